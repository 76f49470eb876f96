"""An application that reads its login from a secret: behind a proxy (PostgreSQL, pgbouncer), or one user with two passwords (MySQL)."""
