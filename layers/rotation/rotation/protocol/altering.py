"""Giving a database user the password of an intent: the same for a slot and for the admin.

The intent is stored and held before this is called, and the session holds the database's lock. Log in with it; if that works
there is nothing to do, and doing it twice would evict the old password that somebody may still use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rotation.core.errors import LoginRefused, SlotInUse, SourceRefused
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.intents import confirm

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import AdminSession, World
    from rotation.protocol.request import Request

Check = Callable[[], None]


def ensure_password(world: World, session: AdminSession, user: Credential, like: Credential, check: Check) -> int:
    """The user logs in with that password afterwards. `check` is asked immediately before anything is altered.

    Returns how often we tried to log in: the server counts those too, and the drain must not take them for the application's.
    """
    if world.source.logs_in(user):
        return 1
    check()
    if session.exists(user.username):
        session.set_password(user.username, user.password, retain=session.dual_passwords)
    else:
        session.create_user(user, like)
    if not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: {user.username} does not log in with the password it was just given")
    return 2


def discard_old(world: World, session: AdminSession, user: Credential) -> None:
    """Only the new password works afterwards; refuses to discard while the new one does not log in."""
    if not world.source.logs_in(user):
        raise LoginRefused(f"{world.target.name}: the new password of {user.username} does not log in: the old one is kept")
    if session.dual_passwords:
        session.discard_old_password(user.username, user.password)


def refuse_in_use(world: World, request: Request, session: AdminSession, user: Credential) -> None:
    """The last look before a password changes. Not in mode revoke: there whoever is still connected is to be cut off."""
    if not request.mode.terms.ignores_others and session.activity(user.username).sessions:
        raise SlotInUse(f"{world.target.name}: {user.username} has sessions: its password is not changed while somebody uses it")


def one_password_only(world: World, username: str) -> SourceRefused:
    """Two values of one user need a server that can keep both."""
    return SourceRefused(
        f"{world.target.name}: this server keeps one password a user, so {username} cannot have two:"
        " name a second user in slot B, and take the key turns out of the record"
    )


def cut_off(world: World, request: Request, username: str, admin: AdminLogin | None = None) -> None:
    """In mode revoke, once the password is refused: nobody can come back, and nobody stays. A rotation ends no session.

    Listed first, then looked whether the rotation is still ours, then ended by their numbers: a call that comes late ends none
    that began after it.
    """
    if request.mode.terms.ends_sessions:
        admin = admin or AdminLogin(world)
        sessions = admin.ask(lambda login: world.source.sessions(login, username))
        confirm(world.slots, request.claim.version)
        world.source.end_sessions(admin.credential, username, sessions)
