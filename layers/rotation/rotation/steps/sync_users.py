"""SyncUsers: prove that the slot to be used works; repair it, to its stored password, only if nobody can be cut off."""

from typing import Any

from rotation.errors import LoginRefused, SlotInUse
from rotation.intents import confirm, read_record
from rotation.model import Credential
from rotation.ports import AdminSession, World
from rotation.record import Record
from rotation.request import Request
from rotation.situation import Left, left_to_do
from rotation.survey import working_admin


def sync_users(world: World, request: Request) -> dict[str, Any]:
    """What had to be repaired. The user in use is never touched."""
    version = request.claim.version
    record, labels = confirm(world.slots, version)
    user = record.credential(record.active)
    in_use = left_to_do(record, version, read_record(world.slots, labels.current), labels.current) is not Left.PUBLISH
    works = world.source.logs_in(user)
    if in_use and not works:
        raise LoginRefused(f"{world.target.name}: {user.username} is in use, but its recorded password does not log in")
    if in_use:
        return {"password": False, "grants": False}
    return _repair(world, version, user, _like(record), works)


def _like(record: Record) -> Credential:
    """Whose grants and TLS requirement are right: the user that the application works with today."""
    return record.previous or record.credential(record.active.other)


def _repair(world: World, version: str, user: Credential, like: Credential, works: bool) -> dict[str, Any]:
    with world.source.as_admin(working_admin(world)) as admin:
        confirm(world.slots, version)
        if not works:
            _set_password(world, admin, user, like)
        grants = admin.copy_grants(user, like)
    if not works and not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: {user.username} does not log in with its stored password, even after the repair")
    return {"password": not works, "grants": grants}


def _set_password(world: World, admin: AdminSession, user: Credential, like: Credential) -> None:
    if not admin.exists(user.username):
        admin.create_user(user, like)
        return
    if admin.activity(user.username).sessions:
        raise SlotInUse(f"{world.target.name}: {user.username} has sessions: its password is not set while somebody works with it")
    admin.set_password(user.username, user.password, retain=admin.dual_passwords)
