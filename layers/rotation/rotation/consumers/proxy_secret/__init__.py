"""The secrets from which a database proxy knows its users' passwords: one for each user."""
