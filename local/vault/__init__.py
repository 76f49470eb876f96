"""A real OpenBao for tests: one node with TLS and an audit log, of which nothing is left once it has ended."""
