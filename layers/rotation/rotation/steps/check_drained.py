"""CheckDrained: one look at whether anybody still uses the old credential. Runs before the old slot is altered and again before
its old password is discarded; all waiting is the state machine's."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from rotation.core.drain import REPUBLISHES, DrainStatus, Look, after
from rotation.core.errors import ConsumerDiffers, DrainTooSlow
from rotation.core.rollout import Progress, progress
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.intents import confirm

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
    admin = AdminLogin(world)
    held = [consumer.read() for consumer in world.credentials()]
    now, target = world.now(), world.target
    look = _look(world, request, record, admin, held)
    drain = after(look, request.drain, now, target.quiet_seconds, target.drain_deadline_seconds, target.cache_seconds)
    if drain.republished > REPUBLISHES:
        raise ConsumerDiffers(
            f"{target.name}: somebody keeps changing the published credential back; it was put right {REPUBLISHES} times"
        )
    if drain.status is not DrainStatus.DRAINED and now - drain.began > target.drain_deadline_seconds:
        raise DrainTooSlow(
            f"{target.name}: the old credential is still in use, or not yet quiet for {target.quiet_seconds} s,"
            f" after {target.drain_deadline_seconds} s (drain.deadline_seconds)"
        )
    return {**asdict(drain), "admin_in_use": any(c.username == admin.credential.username for c in held)}


def _look(world: World, request: Request, record: Record, admin: AdminLogin, held: list[Credential]) -> Look:
    expected = record.credential(record.active)
    published = all(credential.same_login(expected) for credential in held)
    rolled_out = all(progress(workload.rollout()) is Progress.COMPLETE for workload in world.workloads())
    if request.mode.terms.ignores_others:
        return Look(published, rolled_out, sessions=0, logins=None)
    # With one user nobody can tell which password a session or a login used: the quiet period alone is waited for.
    retiring = set() if record.two_values else {record.credential(record.leaves).username}
    if record.previous:
        retiring.add(record.previous.username)
    activities = {username: admin.ask(partial(world.source.activity, username=username)) for username in sorted(retiring)}
    # Every look of ours logs in as the admin, which a first rotation may be draining: its sessions tell, its logins do not.
    counts = [activity.logins for username, activity in activities.items() if username != admin.credential.username]
    return Look(
        published,
        rolled_out,
        sessions=sum(activity.sessions for activity in activities.values()),
        logins=None if None in counts else sum(count or 0 for count in counts) - request.claim.own_logins,
    )
