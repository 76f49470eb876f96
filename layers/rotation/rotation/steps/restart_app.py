"""RestartApp: replace every running copy, once per execution and direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.rollout import poll_seconds
from rotation.protocol.intents import confirm

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def restart_app(world: World, request: Request) -> dict[str, Any]:
    """When it began, and when to look first. The mark comes from the execution: a repeated call starts no second rollout."""
    confirm(world.slots, request.claim.version, request.direction)
    world.workload(request.consumer).restart(request.mark, request.started)
    return {"began": world.now(), "status": "waiting", "wait_seconds": poll_seconds(0)}
