"""Of every tier: how long an example takes says how busy the machine is, and nothing of what is tested."""

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
