"""Access keys of an IAM user."""
