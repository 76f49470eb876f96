"""What stands for RDS Proxy: a real pgbouncer whose users are those of secrets, looked at every few seconds."""
