"""Secrets of a Docker Swarm: each login is one of its own."""
