"""SyncUsers: prove that the slot to be used works; repair it, to its stored password, only if nobody can be cut off."""

from typing import Any

from rotation.core.errors import LoginRefused
from rotation.core.model import Credential, Mode
from rotation.core.record import Record
from rotation.core.situation import Left, left_to_do
from rotation.ports import AdminSession, World
from rotation.protocol.altering import one_password_only, refuse_in_use
from rotation.protocol.intents import confirm, read_record
from rotation.protocol.request import Request
from rotation.protocol.survey import working_admin


def sync_users(world: World, request: Request) -> dict[str, Any]:
    """What had to be repaired. Outside of mode sync-users the user in use is never touched."""
    version = request.claim.version
    record, labels = confirm(world.slots, version)
    current = read_record(world.slots, labels.current)
    if request.mode is Mode.SYNC_USERS:
        return _sync_both(world, request, record, current)
    user = record.credential(record.active)
    if record.two_values and left_to_do(record, version, current, labels.current) is Left.PUBLISH and record.previous is None:
        return _second_value(world, request, user, record.credential(record.leaves))
    if left_to_do(record, version, current, labels.current) is Left.PUBLISH:
        return _repair(world, request, working_admin(world), user, _like(record))
    if not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: {user.username} is in use, but its recorded password does not log in")
    return {"repaired": []}


def _second_value(world: World, request: Request, new: Credential, in_use: Credential) -> dict[str, Any]:
    """The user's next password, beside the one in use: that one stays valid, or nothing is done."""
    with world.source.as_admin(working_admin(world)) as admin:
        if not admin.dual_passwords:
            raise one_password_only(world, new.username)
        confirm(world.slots, request.claim.version)
        made = admin.needs_retain(new.username, in_use.password, new.password)
        if made:
            admin.set_password(new.username, new.password, retain=True)
    if not world.source.logs_in(new):
        raise LoginRefused(f"{world.target.name}: {new.username} does not log in with the password it was just given")
    return {"repaired": [f"{new.username}: a second password"] if made else []}


def _sync_both(world: World, request: Request, record: Record, current: Record) -> dict[str, Any]:
    """The claim put into the record whatever password logs in; so one that does not log in is one that nobody knows."""
    repaired, admin = [], working_admin(world)
    for slot in (record.active,) if record.two_values else record.ring:
        user, like = record.credential(slot), record.credential(record.leaves if slot is record.active else record.active)
        repaired += _repair(world, request, admin, user, like, current.credential(slot), in_use=True)["repaired"]
    return {"repaired": repaired}


def _like(record: Record) -> Credential:
    """Whose grants and TLS requirement are right: the user that the application works with today."""
    return record.previous or record.credential(record.leaves)


def _repair(
    world: World, request: Request, admin: Credential, user: Credential, like: Credential, *known: Credential, in_use: bool = False
) -> dict[str, Any]:
    """`known`: logins of the same user that would do as well. `in_use`: repaired even while it has sessions, since none of these
    logs in any more. That is asked under the lock: a call that came late may have repaired it, and to do it again would evict."""
    with world.source.as_admin(admin) as session:
        works = any(world.source.logs_in(one) for one in dict.fromkeys((user, *known)))
        confirm(world.slots, request.claim.version)
        if not works:
            _set_password(world, request, session, user, like, in_use=in_use)
        granted = session.copy_grants(user, like)
    if not works and not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: {user.username} does not log in with its stored password, even after the repair")
    what = [*(["password"] if not works else []), *(["grants"] if granted else [])]
    return {"repaired": [f"{user.username}: {one}" for one in what]}


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
        session.discard_old_password(user.username)  # what nobody knows and nobody uses is not to stay valid beside it
