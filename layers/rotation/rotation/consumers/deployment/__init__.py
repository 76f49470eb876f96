"""A workload of a Kubernetes cluster, a Deployment unless said otherwise, which is restarted pod by pod."""
