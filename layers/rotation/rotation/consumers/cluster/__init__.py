"""What the kinds that live in an EKS cluster share: the way in, and how an object there is named."""
