"""A service of a Swarm as the target names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.consumers.swarm.services import SwarmService, engine

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, surroundings: Surroundings) -> SwarmService:
    """As the target names it."""
    return SwarmService(engine(settings), surroundings, settings["service"], settings["files"], settings["restarts"])
