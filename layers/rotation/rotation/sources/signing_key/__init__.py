"""JWT signing keys, and the JWKS that verifiers read."""
