"""Objects of an EKS cluster: the Secret that holds a credential, the Deployment that is restarted."""
