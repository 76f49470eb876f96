"""The server as mode verify sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rotation.ports import Server
from rotation.sources.postgresql import roles
from rotation.sources.postgresql.connection import Connection, takes_plain_text

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.sources.postgresql.roles import Role

_IS = "SELECT pg_has_role(current_user, :role, 'USAGE')"
_MAY_GIVE = "SELECT bool_and(pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION')) FROM pg_roles WHERE rolname = :role"
"""Of a user that is not there: null."""
_PASSWORDS_RESTRICTED = "SELECT current_setting('rds.restrict_password_commands', true) = 'on'"


def inspect(connection: Connection, admin: Credential, users: Sequence[str]) -> Server:
    found = [role for role in (roles.find(connection, user) for user in users) if role is not None]
    me = roles.find(connection, admin.username)
    mighty = me is not None and me.superuser
    return Server(
        version=str(connection.value("SELECT current_setting('server_version')")),
        tls=connection.tls,
        lacking=() if mighty or me is None else tuple(_lacking(connection, me, found)),
        without_tls=tuple(role.name for role in found if takes_plain_text(replace(admin, username=role.name))),
        dual_passwords=False,
        counts_logins=False,
        ends_sessions=mighty or bool(connection.value(_IS, role="pg_signal_backend")),
        now=float(connection.value("SELECT extract(epoch FROM clock_timestamp())")),
    )


def _lacking(connection: Connection, me: Role, users: Sequence[Role]) -> Iterator[str]:
    """Of what altering others' passwords, seeing their sessions and making new users takes. Up to 15 CREATEROLE is enough for any
    user that is no superuser; from 16 on it needs ADMIN OPTION on each, and on whom they act as."""
    if not me.makes_roles:
        yield "CREATEROLE"
    yield from (f"SUPERUSER, which alone may alter {user.name}" for user in users if user.superuser)
    if connection.major >= 16:
        names = dict.fromkeys(name for user in users for name in (user.name, user.acts_as) if name != me.name)
        yield from (f"ADMIN OPTION on {name}" for name in names if connection.value(_MAY_GIVE, role=name) is False)
    if not connection.value(_IS, role="pg_read_all_stats"):
        yield "pg_read_all_stats"
    if connection.value(_PASSWORDS_RESTRICTED) and not connection.value(_IS, role="rds_password"):
        yield "rds_password"
