"""WriteSqlconf, PatchSecret and PutSecret: make one consumer use an entry of the intent. Forward and back are the same.

Exactly what is written is tried first. On the way back nobody else has tried it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import ConsumerDiffers, RolloutTooSlow, SecretNotFinished, TrafficElsewhere
from rotation.core.model import NO_KEY, Direction, Mark
from rotation.core.rollout import Progress, poll_seconds
from rotation.protocol.intents import confirm
from rotation.protocol.telling import refuse_untried

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request

FINISH_SECONDS = 1800
"""How long Secrets Manager may take until it makes the application's secret current. What it waits for is done by then, but it may
have to begin its four steps anew."""
GONE_SECONDS = 60
"""Labels are seen late: so long it may look as if Secrets Manager had given up."""
AWAITED, SPREADING = "awaited", "spreading"


def publish(world: World, request: Request) -> dict[str, Any]:
    """Whether anything had to change, and when it began to take effect. What was written is read back before it counts."""
    if request.direction is Direction.WITHDRAW:
        return _forget(world, request)
    record = confirm(world.slots, request.claim.version, request.direction)
    credential = record.credential(request.entry)
    consumer = world.credential(request.consumer, credential.username)
    if request.direction is Direction.RETIRE and consumer.read().same_login(credential):
        # Told before this look of the drain: to log in once more would be one more login of the user who is to be quiet.
        return {"changed": False, "began": world.now(), "status": str(Progress.COMPLETE), "wait_seconds": poll_seconds(0)}
    refuse_untried(world, credential)
    if _is_secrets_managers(world, request) and not consumer.read().same_login(credential):
        return _awaited(world, request)
    changed = consumer.publish(credential, Mark(request.mark, request.direction is Direction.RESTORE))
    if consumer.read().at_place_of(credential) != credential:
        raise ConsumerDiffers(f"{world.target.name}: {consumer.name} does not read back as it was written")
    return _spread(world, request, changed=changed)


def _spread(world: World, request: Request, *, changed: bool) -> dict[str, Any]:
    """Whether everybody has it, where somebody can say so. On the way back nobody is waited for: nothing is withdrawn, and who has
    kept a rotation from its end would keep that from its end too."""
    back = request.direction is Direction.RESTORE
    now, place = world.now(), None if back else world.spreading().get(request.consumer)
    left = place.everybody() if place else ""
    if not left:
        return {"changed": changed, "began": now, "status": str(Progress.WAITING), "wait_seconds": poll_seconds(0)}
    began = now if request.put_began is None else request.put_began
    if now - began > world.target.rollout_deadline_seconds:
        raise RolloutTooSlow(f"{world.target.name}: after {now - began:.0f} s (rollout.deadline_seconds) {left}")
    return {"changed": changed, "began": began, "status": SPREADING, "wait_seconds": poll_seconds(now - began)}


def _forget(world: World, request: Request) -> dict[str, Any]:
    """Nothing that the record names is destroyed: the passwords in use are in it, and the withdrawn one is not any more."""
    record = confirm(world.slots, request.claim.version)
    withdrawn = [NO_KEY.with_login(key, NO_KEY.password) for key in record.withdrawing]
    kept = [login for login in map(record.credential, record.ring) if not login.is_none]
    destroyed = world.copies(request.consumer).forget([*kept, *withdrawn])
    return {"changed": destroyed > 0, "began": world.now(), "status": str(Progress.COMPLETE), "wait_seconds": poll_seconds(0)}


def _is_secrets_managers(world: World, request: Request) -> bool:
    """Whether this very change is Secrets Manager's to make. On the way back, and after the flip, it is ours."""
    forward = request.direction is Direction.FORWARD and request.drain is None
    return forward and bool(request.secret_version) and world.target.consumers[request.consumer].traffic


def _awaited(world: World, request: Request) -> dict[str, Any]:
    """It rotates by calling a function of ours, which makes its version current once it works everywhere."""
    now, token = world.now(), request.secret_version
    began = now if request.put_began is None else request.put_began
    secret, waited = world.rotated, now - began
    if secret is None:
        raise TrafficElsewhere(f"{world.target.name}: no secret that Secrets Manager rotates moves the traffic")
    if waited > FINISH_SECONDS:
        raise SecretNotFinished(f"{world.target.name}: Secrets Manager did not make version {token} current within {waited:.0f} s")
    if waited > GONE_SECONDS and secret.labels().pending != token:
        raise SecretNotFinished(f"{world.target.name}: Secrets Manager has given up its rotation to version {token}")
    return {"changed": False, "began": began, "status": AWAITED, "wait_seconds": poll_seconds(waited)}
