"""A service of a Docker Swarm, which comes to a login phase by phase."""
