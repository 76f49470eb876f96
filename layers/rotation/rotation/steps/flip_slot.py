"""FlipSlot: make the new slot the current one. The point of no return: before it a failure rolls back, after it only forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import RotationSuperseded
from rotation.core.model import CURRENT
from rotation.core.situation import Left, left_to_do
from rotation.protocol.intents import confirm_forward, read_record

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def flip_slot(world: World, request: Request) -> dict[str, Any]:
    """Swap AWSCURRENT from the version this intent was made from; done already, if current says the same as the intent."""
    version = request.claim.version
    record, current = confirm_forward(world.slots, version)
    flipped = left_to_do(record, version, read_record(world.slots, current), current) is not Left.PUBLISH
    if not flipped and not world.slots.swap(CURRENT, to=version, removed_from=current):
        raise RotationSuperseded(f"{world.slots.name}: another version became current before the flip")
    return {"active_slot": str(record.active)}
