"""The world behind the ports. The only place where boto3, PyMySQL and the kubernetes client are imported."""
