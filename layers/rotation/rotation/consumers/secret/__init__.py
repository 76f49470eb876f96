"""A Secret of a Kubernetes cluster, from which pods get their environment."""
