"""Applications that read their login from a secret: behind a proxy (PostgreSQL, pgbouncer), one user with two passwords (MySQL)."""
