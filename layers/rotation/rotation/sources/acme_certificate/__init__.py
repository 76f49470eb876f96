"""Certificates with their private keys, issued by an ACME server (RFC 8555) against records in Route 53."""
