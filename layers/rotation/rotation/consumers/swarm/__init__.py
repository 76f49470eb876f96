"""What the kinds that live in a Docker Swarm share: the way in, how versions are called, how a service comes to one."""
