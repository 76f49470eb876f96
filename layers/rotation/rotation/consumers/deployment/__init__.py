"""A Deployment of a Kubernetes cluster, which is restarted pod by pod."""
