"""A server that shows a certificate of a PKI, on this machine: the certificate is rotated while clients connect."""
