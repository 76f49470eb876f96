"""CheckLogin: look once whether a user gets in through the endpoint that the application uses, with the password just published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import EndpointTooSlow
from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def check_login(world: World, request: Request) -> dict[str, Any]:
    """Complete, or when to look again; an error once it has taken longer than the target allows."""
    record = confirm(world.slots, request.claim.version, request.direction)
    credential = record.credential(request.entry)
    waited = world.now() - request.publish_began
    works = world.endpoint is None or world.endpoint.logs_in(credential)
    if not works and waited > world.target.settle_deadline_seconds:
        name = world.endpoint.name if world.endpoint else ""
        raise EndpointTooSlow(
            f"{world.target.name}: {name} refuses {credential.username} {waited:.0f} s after its secret was written"
            f" (endpoint.deadline_seconds); the database accepts that login"
        )
    status = Progress.COMPLETE if works else Progress.WAITING
    return {"began": request.publish_began, "status": str(status), "wait_seconds": poll_seconds(waited)}
