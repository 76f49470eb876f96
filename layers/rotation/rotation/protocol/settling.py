"""What a source was given may be known to others later: verifiers go on with the keys that they have read. All waiting is the state
machine's; this says whether to, and for how long."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SourceUnsettled
from rotation.core.rollout import Progress

if TYPE_CHECKING:
    from rotation.ports import World

LOOK_SECONDS = 600
"""How long one wait may be: whoever lost the rotation meanwhile finds out at the next look."""
KNOWN: dict[str, Any] = {"status": str(Progress.COMPLETE), "began": None, "wait_seconds": 0}


def settled(world: World, began: float | None) -> dict[str, Any]:
    """Whether everybody goes by what the source has now, and if not, when to look again. `began`: when this was asked first."""
    left = world.source.settles_in()
    if left <= 0:
        return KNOWN
    now = world.now()
    began = now if began is None else began
    if now + left - began > world.target.known_deadline_seconds:
        raise SourceUnsettled(
            f"{world.target.name}: somebody changes again and again what verifiers read, so that for {now - began:.0f} s it was"
            f" never as old as they may keep it ({world.target.settles_seconds} s). Find out who writes it"
        )
    return {"status": str(Progress.WAITING), "began": began, "wait_seconds": max(1, min(ceil(left), LOOK_SECONDS))}
