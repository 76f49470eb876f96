"""WriteWpConfig: every instance in service rewrites its file to one version of the application's secret, the first one alone.

Each call looks at all instances and at what came of what they were told, tells who is to be told next, and says when to look again.
Forward and back are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.fleet import LATEST_SECONDS, WRITE, Telling, holds_since, refuse_none, silent, to_write, unable
from rotation.core.model import Direction
from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm
from rotation.protocol.telling import put_version, refuse_untried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.core.fleet import Answer
    from rotation.core.model import Credential
    from rotation.ports import Fleet, RotatedSecret, World
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
    kept = frozenset() if careful else _kept(world, fleet, unable(instances, answers, telling), version, credential)
    following = to_write(instances, answers, telling, kept)
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


def _kept(world: World, fleet: Fleet, names: Sequence[str], version: str, credential: Credential) -> frozenset[str]:
    """On the way back: of those the ones that hold its login, since no other was written there. Only as long as it is current: else
    one may have booted with what is taken back."""
    secret = world.rotated
    if not names or secret is None or secret.labels().current != version:
        return frozenset()
    return frozenset(name for name in names if _keeps(secret, fleet.last_write(name), credential))


def _keeps(secret: RotatedSecret, last: Answer | None, credential: Credential) -> bool:
    """By what was written last: an earlier way back has made another version of the same login current."""
    if last is None:
        return True
    version = holds_since(last)
    held = secret.login(version) if version else None
    return held is not None and held.same_login(credential)
