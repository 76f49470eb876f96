"""WriteWpConfig: every instance in service rewrites its file to one version of the application's secret, the first one alone.

Each call looks at all instances and at what came of what they were told, tells who is to be told next, and says when to look again.
Forward and back are the same act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.fleet import LATEST_SECONDS, WRITE, Telling, refuse_none, silent, to_write
from rotation.core.model import Direction
from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm
from rotation.protocol.telling import put_version, refuse_untried

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def write_wp_config(world: World, request: Request) -> dict[str, Any]:
    """Whether all have it, and when to look again. Asked again by whoever got no answer, it finds what was told already."""
    record = confirm(world.slots, request.claim.version, request.direction)
    credential = record.credential(request.entry)
    now = world.now()
    began = request.instances_began or now
    version = request.instances_version or put_version(world, request, credential, now - began)
    if version is None:
        return _answer(began, "", now)
    fleet = world.fleet(request.consumer)
    careful = request.direction is Direction.FORWARD
    telling = Telling(WRITE, version, mark=request.mark, careful=careful)
    instances, answers = fleet.instances(), fleet.answers(began - LATEST_SECONDS)
    if careful:
        refuse_none(f"{world.target.name}: {fleet.name}", instances)
    following = to_write(instances, answers, telling)
    if following.complete:
        return {**_answer(began, version, now), "status": str(Progress.COMPLETE)}
    if now - began > world.target.rollout_deadline_seconds:
        raise silent(f"{world.target.name}: {fleet.name}", instances, answers, telling, now - began)
    if following.tell:
        refuse_untried(world, credential)
        fleet.tell(telling, following.tell)
    return _answer(began, version, now)


def _answer(began: float, version: str, now: float) -> dict[str, Any]:
    return {"began": began, "version": version, "status": str(Progress.WAITING), "wait_seconds": poll_seconds(now - began)}
