"""The application's own secret: an ordinary published one."""

from rotation.consumers.published import PublishedSecret
from rotation.kinds.kind import Settings
from rotation.ports import Surroundings


def make(settings: Settings, _: Surroundings) -> PublishedSecret:
    """As the target names it."""
    return PublishedSecret(settings["secret"])
