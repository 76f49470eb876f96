"""Certificates with their private keys, issued by the PKI of a Vault or OpenBao."""
