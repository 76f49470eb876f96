"""DiscardOldPassword: the only step that destroys. It looks again immediately before, and proves the result immediately after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import LoginRefused, PrimaryUnknown, RetiredPasswordAccepted, RotationSuperseded
from rotation.core.model import CURRENT, Credential
from rotation.core.situation import Left, left_to_do
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.altering import cut_off, discard_old, refuse_in_use
from rotation.protocol.intents import confirm_forward, read_record
from rotation.protocol.settling import KNOWN, settled

if TYPE_CHECKING:
    from rotation.core.record import Record
    from rotation.ports import AdminSession, World
    from rotation.protocol.request import Request


def discard_old_password(world: World, request: Request) -> dict[str, Any]:
    """The retired password is refused, and what is current says so. Where others may still take it: when to ask again. A key that
    only a person can revoke is a reminder in it."""
    if world.target.source.known.issues_keys:
        return {**_discard_key(world, request), **KNOWN}
    admin = AdminLogin(world)
    with admin.session() as session:
        record, seen = confirm_forward(world.slots, request.claim.version)
        current = read_record(world.slots, seen)
        done = left_to_do(record, request.claim.version, current, seen) is Left.FINISH
        if not done:
            _discard(world, request, session, record, current)
    old = record.credential(record.leaves)
    waiting = KNOWN if done else settled(world, request.discarded_began)
    if waiting["wait_seconds"]:
        return {"retired_user": old.username, **waiting}
    if not done:
        if not world.target.source.known.by_hand:
            _prove(world, current.credential(record.leaves), old)
        _record(world, request, seen)
    cut_off(world, request, old.username, admin)
    return {"retired_user": old.username, **KNOWN}


def _discard_key(world: World, request: Request) -> dict[str, Any]:
    from rotation.protocol.issuing import discard

    record, seen = confirm_forward(world.slots, request.claim.version)
    current = read_record(world.slots, seen)
    if seen == request.claim.version:
        return {"retired_user": ""}
    retired = current.credential(record.leaves)
    if left_to_do(record, request.claim.version, current, seen) is not Left.FINISH or record.withdrawing:
        discard(world, request.claim.version, record, retired)
        _record(world, request, seen)
    return {"retired_user": retired.username}


def _discard(world: World, request: Request, session: AdminSession, record: Record, current: Record) -> None:
    """Under the lock, right after the look at the intent."""
    if record.two_values:
        _discard_value(world, session, record.credential(record.active), current.credential(record.leaves))
    else:
        old = record.credential(record.leaves)
        refuse_in_use(world, request, session, old)
        discard_old(world, session, old)


def _discard_value(world: World, session: AdminSession, in_use: Credential, retired: Credential) -> None:
    """The user goes on with the password in use; its sessions do not say which one they began with, and stay."""
    if not world.source.logs_in(in_use):
        raise LoginRefused(f"{world.target.name}: what {in_use.username} uses does not log in: the old password is kept")
    try:
        needed = session.needs_discard(in_use.username, in_use.password, retired.password)
    except PrimaryUnknown:
        needed = _made_primary(session, in_use, retired)
    if needed:
        session.discard_old_password(in_use.username, in_use.password)


def _made_primary(session: AdminSession, in_use: Credential, retired: Credential) -> bool:
    """The application was put back to the value that had become the second. Set again it is the first, and both work."""
    if not session.needs_retain(in_use.username, retired.password, in_use.password):
        return False
    session.set_password(in_use.username, in_use.password, retain=True)
    return session.needs_discard(in_use.username, in_use.password, retired.password)


def _prove(world: World, retired: Credential, new: Credential) -> None:
    if not world.source.refuses(retired):
        raise RetiredPasswordAccepted(f"{world.target.name}: the retired password of {retired.username} still logs in")
    if world.endpoint is not None and not retired.same_login(new) and world.endpoint.logs_in(retired):
        said = f"{world.endpoint.name} still accepts the retired password of {retired.username}"
        raise RetiredPasswordAccepted(f"{world.target.name}: {said}")


def _record(world: World, request: Request, seen_current: str) -> None:
    if not world.slots.swap(CURRENT, to=request.claim.version, removed_from=seen_current):
        raise RotationSuperseded(f"{world.slots.name}: another version became current before the retirement was recorded")
