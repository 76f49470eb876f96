"""Pods of services that read their login from the environment, which Kubernetes Secrets fill when they start."""
