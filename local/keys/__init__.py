"""A service that works with an IAM user's access key, on this machine: the key is rotated while it calls AWS."""
