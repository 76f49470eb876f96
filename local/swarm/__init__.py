"""A real Docker Swarm of several nodes on this machine, in namespaces of its own: nothing of it is seen, or stays, outside."""
