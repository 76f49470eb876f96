"""PrepareService, ValidateService, CutOverService and CleanUpService: a service comes to a version of its login phase by phase.

Each call looks at the service and its tasks, updates it where it is not as it is to be, and says when to look again. The way back
is one update, from wherever it is, to the version of before alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import RolloutTooSlow, TrafficElsewhere, VersionDiffers
from rotation.core.model import Direction
from rotation.core.phases import Moved, Phase
from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm
from rotation.protocol.telling import put_version, refuse_untried

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import RotatedSecret, Service, World
    from rotation.protocol.request import Request

PREPARE, VALIDATE, CUT_OVER, CLEAN_UP = "prepare", "validate", "cut over", "clean up"
"""What the states ask for."""
GOALS = {PREPARE: Phase.PREPARED, VALIDATE: Phase.PREPARED, CUT_OVER: Phase.CUT_OVER, CLEAN_UP: Phase.CLEAN}


def prepare_service(world: World, request: Request) -> dict[str, Any]:
    """Whether it is there, and when to look again. Asked again by whoever got no answer, it finds what was begun already."""
    record = confirm(world.slots, request.claim.version, request.direction)
    secret, phase, now = world.rotated, request.phase, world.now()
    if secret is None:
        raise TrafficElsewhere(f"{world.target.name}: no application's secret moves the traffic, and the services need its version")
    fresh = request.moved_phase != phase
    began = now if request.moved_began is None or (fresh and request.moved_phase) else request.moved_began
    current = secret.labels().current
    version = current if phase == CLEAN_UP else _version(world, request, record.credential(request.entry), now - began)
    if version is None:
        return _answer(Moved(Progress.WAITING), "", "", began, now)
    if fresh and phase != CLEAN_UP:
        refuse_untried(world, record.credential(request.entry))
    if phase == VALIDATE:
        _refuse_another(world, secret, version, record.credential(request.entry))
    service = world.service(request.consumer)
    moved = _advance(service, request, version, current, None if fresh else request.moved_since)
    _refuse_late(world, service, moved, now - began)
    return _answer(moved, version, phase, began, now)


def _version(world: World, request: Request, credential: Credential, waited: float) -> str | None:
    return request.moved_version or put_version(world, request, credential, waited)


def _answer(moved: Moved, version: str, phase: str, began: float, now: float) -> dict[str, Any]:
    return {
        "began": began,
        "version": version,
        "phase": phase,
        "since": moved.since,
        "status": str(moved.progress),
        "wait_seconds": poll_seconds(now - began),
    }


def _advance(service: Service, request: Request, version: str, current: str, since: str | None) -> Moved:
    back = request.direction is Direction.RESTORE
    moved = service.advance(Phase.CLEAN if back else GOALS[request.phase], version, current, since, back=back)
    if request.phase == CLEAN_UP and moved.progress is Progress.COMPLETE:
        service.remove_old(version)
    return moved


def _refuse_another(world: World, secret: RotatedSecret, version: str, credential: Credential) -> None:
    """What is in that version, as the copies were made from it, is what was tried."""
    held = secret.login(version)
    if held is None or not held.same_login(credential):
        raise VersionDiffers(f"{world.target.name}: version {version} does not hold what {credential.username} logs in with")


def _refuse_late(world: World, service: Service, moved: Moved, waited: float) -> None:
    if moved.progress is not Progress.COMPLETE and waited > world.target.rollout_deadline_seconds:
        left = f": {moved.left}" if moved.left else ""
        name = f"{world.target.name}: {service.name}"
        raise RolloutTooSlow(f"{name} is not there after {waited:.0f} s (rollout.deadline_seconds){left}")
