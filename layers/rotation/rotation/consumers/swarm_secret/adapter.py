"""A Swarm's secrets as the target names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.consumers.swarm.services import SwarmSecrets, engine

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, surroundings: Surroundings) -> SwarmSecrets:
    """As the target names them."""
    return SwarmSecrets(engine(settings), surroundings, settings["keys"])
