"""Redis with ACLs."""
