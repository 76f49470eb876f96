"""A fleet of simulated targets: `make bench-fleet`, and the machine on an engine."""
