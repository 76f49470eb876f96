"""Keys that a provider issues through an API that is described, not programmed."""
