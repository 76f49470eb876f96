"""The application's own secret: an ordinary published one, which Secrets Manager may rotate too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.published import PublishedSecret, RotatedSecret

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, _: Surroundings) -> PublishedSecret:
    """As the target names it."""
    return PublishedSecret(settings["secret"], keys=_keys(settings))


def rotated(settings: Settings, rotation_token: str) -> RotatedSecret:
    """For whoever looks after AWSPENDING of it."""
    return RotatedSecret(settings["secret"], rotation_token, _keys(settings))


def _keys(settings: Settings) -> Keys:
    return Keys(settings.get("keys", LOGIN))
