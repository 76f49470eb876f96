"""How a service comes to a login phase by phase, and how far it is. Pure."""

from dataclasses import dataclass
from enum import IntEnum

from rotation.core.rollout import Progress


class Phase(IntEnum):
    """How far a service has come with a version of the login. In order."""

    BEFORE = 0
    """It has the old one alone."""
    PREPARED = 1
    """It has both, and uses the old one."""
    CUT_OVER = 2
    """It has both, and uses the new one."""
    CLEAN = 3
    """It has the new one alone."""


@dataclass(frozen=True)
class Moved:
    """How far it is with what it was asked for."""

    progress: Progress
    since: str = ""
    """When the update before ours began, by the service's own clock: to be handed in again."""
    left: str = ""
    """What is waited for, for a person."""
