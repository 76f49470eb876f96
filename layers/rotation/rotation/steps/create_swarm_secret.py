"""CreateSwarmSecret: the login becomes new secrets of the Swarm, beside those that are there. Nothing reads them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm
from rotation.protocol.telling import put_version, refuse_untried

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def create_swarm_secret(world: World, request: Request) -> dict[str, Any]:
    """Whether they are there, and when to ask again: a version that Secrets Manager puts itself is waited for."""
    record = confirm(world.slots, request.claim.version, request.direction)
    credential = record.credential(request.entry)
    now = world.now()
    began = request.moved_began or now
    version = request.moved_version or put_version(world, request, credential, now - began)
    if version is not None:
        refuse_untried(world, credential)
        world.shelf(request.consumer).keep(credential, version)
    status = Progress.WAITING if version is None else Progress.COMPLETE
    return {"began": began, "version": version or "", "status": str(status), "wait_seconds": poll_seconds(now - began)}
