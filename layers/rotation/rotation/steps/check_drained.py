"""CheckDrained: look once whether anybody still uses the old credential. Runs before the old slot is altered and again before
its old password is discarded; all waiting is the state machine's."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rotation.core.drain import REPUBLISHES, DrainStatus, Hold, Look, after, asks, heard_since
from rotation.core.errors import ConsumerDiffers, DrainTooSlow
from rotation.core.rollout import Progress, progress
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.intents import confirm, read_record

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.core.record import Record
    from rotation.ports import World
    from rotation.protocol.request import Request


def check_drained(world: World, request: Request) -> dict[str, Any]:
    """The drain after this look, and whether a consumer names the admin (then its password must not change).

    In mode revoke only the application is waited for. Whoever else uses the old credential is who it is taken from.
    """
    record = confirm(world.slots, request.claim.version)
    expected = record.credential(record.active)
    reads = [consumer.read().at_place_of(expected) for consumer in world.credentials()]
    now, target = world.now(), world.target
    admin = None if world.target.source.known.issues_keys else AdminLogin(world)
    look = _look(world, request, record, admin, reads)
    quiet = target.quiet_seconds if request.mode.terms.ignores_others else max(target.quiet_seconds, target.outlives_seconds)
    deadline = target.longest_drain_seconds if quiet > target.quiet_seconds else target.drain_deadline_seconds
    drain = after(look, request.drain, now, quiet, deadline, target.cache_seconds)
    if drain.republished > REPUBLISHES:
        raise ConsumerDiffers(
            f"{target.name}: somebody keeps changing the published credential back; it was put right {REPUBLISHES} times"
        )
    if drain.status is not DrainStatus.DRAINED and now - drain.began > deadline:
        raise DrainTooSlow(
            f"{target.name}: the old credential is still in use, or not yet quiet for {quiet} s,"
            f" after {deadline} s (drain.deadline_seconds){_waited_for(world, request)}"
        )
    return {**asdict(drain), "admin_in_use": bool(admin and any(c.username == admin.credential.username for c in reads))}


def _look(world: World, request: Request, record: Record, admin: AdminLogin | None, reads: list[Credential]) -> Look:
    expected = record.credential(record.active)
    published = all(credential.same_login(expected) for credential in reads)
    rolled_out = all(progress(workload.rollout()) is Progress.COMPLETE for workload in world.workloads())
    if request.mode.terms.ignores_others:
        look = Look(published, rolled_out, sessions=0, logins=None)
        return replace(look, instances=_instances(world, request, look))
    if admin is None:
        look = Look(published, rolled_out, sessions=_uses_of_key(world, record), logins=None)
        return replace(look, instances=_instances(world, request, look))
    # With one user nobody can tell which password a session or a login used: the quiet period alone is waited for.
    retiring = set() if record.two_values else {record.credential(record.leaves).username}
    if record.previous:
        retiring.add(record.previous.username)
    activities = {username: admin.ask(partial(world.source.activity, username=username)) for username in sorted(retiring)}
    # Every look of ours logs in as the admin, which a first rotation may be draining: its sessions tell, its logins do not.
    counts = [activity.logins for username, activity in activities.items() if username != admin.credential.username]
    look = Look(
        published,
        rolled_out,
        sessions=sum(activity.sessions for activity in activities.values()),
        logins=None if None in counts else sum(count or 0 for count in counts) - request.claim.own_logins,
    )
    return replace(look, instances=_instances(world, request, look))


def _uses_of_key(world: World, record: Record) -> int:
    """A provider tells late of the last one: the quiet period is waited for in any case. Once the key is retired, what is current
    still says which it was."""
    from rotation.protocol.issuing import is_used

    left = record if not record.credential(record.leaves).is_none else read_record(world.slots, world.slots.labels().current)
    return int(is_used(world, left))


def _instances(world: World, request: Request, look: Look) -> Hold:
    """What they said that they hold since they were asked. Whoever still works as the old user may be one of them, so that is no
    reason not to ask."""
    held = max(_services(world), _spread(world), key=list(Hold).index)
    if not world.fleets():
        return held
    from rotation.protocol.fleets import asked

    asking = look.published and look.rolled_out and asks(request.drain, world.now(), world.target.quiet_seconds)
    said = asked(world, request.look_mark, _heard_since(world, request), asking=asking)
    return max(held, said, key=list(Hold).index)


def _waited_for(world: World, request: Request) -> str:
    """Of instances, who has not said what it holds; and who has not yet what is in a place."""
    left = "".join(f"; {said}" for place in world.spreading().values() if (said := place.everybody()))
    if not world.fleets():
        return left
    from rotation.protocol.fleets import waited_for

    return left + waited_for(world, request.look_mark, _heard_since(world, request))


def _heard_since(world: World, request: Request) -> float:
    return heard_since(request.drain, world.now(), world.target.drain_deadline_seconds)


def _spread(world: World) -> Hold:
    """Whether everybody has what is in a place, where somebody can say so."""
    return Hold.UNKNOWN if any(place.everybody() for place in world.spreading().values()) else Hold.SAME


def _services(world: World) -> Hold:
    """What runs anywhere, or may: also on a machine that nobody sees."""
    services = world.services()
    if not services or world.rotated is None:
        return Hold.SAME
    current = world.rotated.labels().current
    return max((service.holds(current) for service in services), key=list(Hold).index)
