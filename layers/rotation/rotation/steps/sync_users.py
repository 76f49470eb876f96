"""SyncUsers: prove that the next user logs in; repair it, to its stored password, only if nobody can be cut off. Where others
are to know its credential before it is used, it says how long that takes, and is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.core.errors import LoginRefused, SituationChanged
from rotation.core.model import Credential, Mode
from rotation.core.situation import Left, left_to_do
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.altering import one_password_only, refuse_in_use
from rotation.protocol.intents import confirm_again, confirm_forward, read_record
from rotation.protocol.settling import KNOWN, settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.core.model import Slot
    from rotation.core.record import Record
    from rotation.ports import AdminSession, World
    from rotation.protocol.request import Request


class Wanted(NamedTuple):
    """What is to log in, what is current for the same slot, and whose grants and TLS requirement are right."""

    user: Credential
    current: Credential
    like: Credential


def sync_users(world: World, request: Request) -> dict[str, Any]:
    """The claim, what had to be repaired, and when to ask again. Outside of mode sync-users the user in use is never touched."""
    if world.target.source.known.issues_keys:
        return {**_sync_key(world, request), **KNOWN}
    claim = request.claim.as_dict()
    if request.mode is Mode.SYNC_USERS:
        return {**claim, "repaired": _sync_both(world, request), **KNOWN}
    repaired, published = _sync_next(world, request)
    return {**claim, "repaired": repaired, **(settled(world, request.synced_began) if published else KNOWN)}


def _sync_key(world: World, request: Request) -> dict[str, Any]:
    """A key is issued if the slot to be used holds none: with it the claim is another version. The key in use nobody could repair:
    a provider shows a secret once."""
    from rotation.protocol.issuing import ensure_key, held_by

    held = held_by(world, request.claim.version)
    current = read_record(world.slots, held.current)
    if request.mode is not Mode.SYNC_USERS and left_to_do(held.record, held.version, current, held.current) is Left.PUBLISH:
        version, done = ensure_key(world, request)
        return {**request.claim._replace(version=version).as_dict(), "repaired": done}
    key = current.credential(current.active) if request.mode is Mode.SYNC_USERS else held.record.credential(held.record.active)
    _need_login(world, key, "is in use and refused: mode rotate issues another key")
    return {**request.claim.as_dict(), "repaired": []}


def _sync_next(world: World, request: Request) -> tuple[list[str], bool]:
    """Who is to be used next: what had to be repaired, and whether it is going to be published."""
    with AdminLogin(world).session() as session:
        record, current, seen = _confirmed(world, request)
        user = record.credential(record.active)
        if left_to_do(record, request.claim.version, current, seen) is not Left.PUBLISH:
            _need_login(world, user, "is in use, but its recorded password does not log in")
            return [], False
        if record.two_values and record.previous is None:
            return _second_value(world, session, record), True
        return _repair(world, request, session, record, Wanted(user, current.credential(record.active), _like(record))), True


def _confirmed(world: World, request: Request) -> tuple[Record, Record, str]:
    """The intent, what is current, and under which version."""
    record, seen = confirm_forward(world.slots, request.claim.version)
    return record, read_record(world.slots, seen), seen


def _need_login(world: World, user: Credential, else_said: str) -> None:
    if not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: {user.username} {else_said}")


def _second_value(world: World, session: AdminSession, record: Record) -> list[str]:
    """The user's next password, beside the one in use: that one stays valid, or nothing is done."""
    new, in_use = record.credential(record.active), record.credential(record.leaves)
    if not session.dual_passwords:
        raise one_password_only(world, new.username)
    made = session.needs_retain(new.username, in_use.password, new.password)
    if made:
        session.set_password(new.username, new.password, retain=True)
    _need_login(world, new, "does not log in with the password it was just given")
    return [f"{new.username}: a second password"] if made else []


def _sync_both(world: World, request: Request) -> list[str]:
    """The claim put into the record whatever password logs in; so one that does not log in is one that nobody knows."""
    repaired: list[str] = []
    admin = AdminLogin(world)
    record, current, _ = _confirmed(world, request)
    for slot in _to_be_synced(world, record, current):
        user, like = record.credential(slot), record.credential(record.leaves if slot is record.active else record.active)
        with admin.session() as session:
            confirm_again(world.slots, request.claim.version, record)
            if record.two_values and slot is not current.active:
                repaired += _second_value(world, session, record)
            else:
                repaired += _repair(world, request, session, record, Wanted(user, current.credential(slot), like))
    return repaired


def _to_be_synced(world: World, record: Record, current: Record) -> Iterable[Slot]:
    """Of two values the one that the intent makes active; and the one in use, where to add it can evict no other."""
    if not record.two_values:
        return record.ring
    return dict.fromkeys((current.active, record.active)) if world.target.source.known.takes_values else (record.active,)


def _like(record: Record) -> Credential:
    """Whose grants and TLS requirement are right: the user that the application works with today."""
    return record.previous or record.credential(record.leaves)


def _repair(world: World, request: Request, session: AdminSession, record: Record, wanted: Wanted) -> list[str]:
    """Mode sync-users repairs it even while it has sessions, since nothing that is recorded logs in any more. All under the lock: a
    call that came late may have repaired it, and to do it again would evict."""
    user, both = wanted.user, request.mode is Mode.SYNC_USERS
    works = world.source.logs_in(user)
    if not works and not request.mode.terms.ignores_others and _is_current(world, wanted):
        if not both:
            raise SituationChanged(
                f"{world.target.name}: {user.username} logs in again with the password that is current, which somebody may use by"
                " now: it is left as it is"
            )
        works = True
    if not works:
        confirm_again(world.slots, request.claim.version, record)
        _set_password(world, request, session, user, wanted.like, in_use=both)
    granted = session.copy_grants(user, wanted.like)
    if not works:
        _need_login(world, user, "does not log in with its stored password, even after the repair")
    return [f"{user.username}: {one}" for one in ([] if works else ["password"]) + (["grants"] if granted else [])]


def _is_current(world: World, wanted: Wanted) -> bool:
    """Whether the user logs in with what is current, which the intent has another password for."""
    return not wanted.current.same_login(wanted.user) and world.source.logs_in(wanted.current)


def _set_password(
    world: World, request: Request, session: AdminSession, user: Credential, like: Credential, *, in_use: bool
) -> None:
    if not session.exists(user.username):
        session.create_user(user, like)
        return
    if not in_use:
        refuse_in_use(world, request, session, user)
    session.set_password(user.username, user.password, retain=in_use and session.dual_passwords)
    if session.dual_passwords and not in_use:
        # What nobody knows and nobody uses is not to stay valid beside it.
        session.discard_old_password(user.username, user.password)
