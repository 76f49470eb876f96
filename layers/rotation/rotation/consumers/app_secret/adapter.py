"""The application's own secret: an ordinary published one, which Secrets Manager may rotate too."""

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.kinds.kind import Settings
from rotation.ports import Surroundings


def make(settings: Settings, _: Surroundings) -> PublishedSecret:
    """As the target names it."""
    return PublishedSecret(settings["secret"])


def rotated(arn: str, rotation_token: str) -> RotatedSecret:
    """For whoever looks after AWSPENDING of it."""
    return RotatedSecret(arn, rotation_token)
