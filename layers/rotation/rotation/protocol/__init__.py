"""How a rotation holds its lock, looks at the world and alters a password: over the ports, the same for every kind."""
