"""Users as PostgreSQL has them, and what one lacks of another's rights. Looks only; what is to be done comes back as statements.

A user that takes turns is a member of one owner and acts as it (`ALTER ROLE member SET role = owner`): it has the owner's rights,
and whatever it makes belongs to the owner, never to one of those that take turns. Who is the owner:

- whom the user in use acts as;
- else the user in use itself: it owns what the application has made, and to take that from it would lock every table;
- where there is no user in use, the owner of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pg8000.native import identifier, literal

from rotation.core.errors import SourceRefused
from rotation.sources.postgresql.rights import has_as_much

if TYPE_CHECKING:
    from rotation.sources.postgresql.connection import Connection

_LISTS = ("search_path", "temp_tablespaces")
"""Settings whose value is a list of names, which the catalog has quoted already."""

_ROLE = """
    SELECT rolname, rolcanlogin, coalesce(rolvaliduntil <= clock_timestamp(), false), rolsuper, rolcreaterole, rolconnlimit
    FROM pg_roles WHERE rolname = :name
"""
_MEMBERSHIPS = """
    SELECT g.rolname, bool_or(m.admin_option), bool_or((to_jsonb(m) ->> 'inherit_option')::bool), bool_or((to_jsonb(m) ->> 'set_option')::bool)
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
    WHERE u.rolname = :name GROUP BY 1 ORDER BY 1
"""  # noqa: E501
_SETTINGS = """
    SELECT s.setdatabase <> 0, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) c
    LEFT JOIN pg_settings known ON known.name = split_part(c, '=', 1)
    WHERE r.rolname = :name AND coalesce(known.context, 'user') = 'user'
    AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1, 2
"""
_OWNER = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"


class Setting(NamedTuple):
    """Of a user: in this database, or in all."""

    here: bool
    name: str
    value: str


class Options(NamedTuple):
    """Of a membership; before PostgreSQL 16 there is only the first."""

    admin: bool
    inherit: bool | None = None
    set: bool | None = None


class Act(NamedTuple):
    """A statement, and what to call it where it is refused."""

    what: str
    statement: str


@dataclass(frozen=True)
class Role:
    """A user."""

    name: str
    may_log_in: bool
    expired: bool
    """Its VALID UNTIL has passed: whatever its password, it is refused as if that were wrong."""
    superuser: bool
    makes_roles: bool
    connection_limit: int
    memberships: Mapping[str, Options]
    settings: frozenset[Setting]

    @property
    def acts_as(self) -> str:
        """What is set for this database comes before what is set for all."""
        set_to = {setting.here: setting.value for setting in self.settings if setting.name == "role"}
        return set_to.get(True) or set_to.get(False) or self.name


def find(connection: Connection, name: str) -> Role | None:
    rows = connection.run(_ROLE, name=name)
    if not rows:
        return None
    memberships = {group: Options(*options) for group, *options in connection.run(_MEMBERSHIPS, name=name)}
    settings = frozenset(Setting(*setting) for setting in connection.run(_SETTINGS, name=name))
    name, may_log_in, expired, superuser, makes_roles, limit = rows[0]
    return Role(name, may_log_in, expired, superuser, makes_roles, limit, memberships, settings)


def lacking(connection: Connection, name: str, user: Role | None, like: Role | None, admin: str) -> list[Act]:
    """What gives the user (None: about to be made) what it lacks of the other's rights and settings; nothing if it is the other."""
    if like is not None and like.name == name:
        return []
    owner = _owner(connection, like, admin)
    memberships = {group: options for group, options in (like.memberships if like else {}).items() if group != name}
    settings = {setting for setting in (like.settings if like else ()) if setting.name != "role"}
    if owner.name != name and not (user and _has_as_much_by_itself(connection, user, owner, like)):
        memberships[owner.name] = Options(admin=False, inherit=True, set=True) if connection.major >= 16 else Options(admin=False)
        if user is None or user.acts_as != owner.name:
            settings.add(Setting(here=False, name="role", value=owner.name))
    database = connection.value("SELECT current_database()")
    missing = sorted(settings - (user.settings if user else frozenset()))
    return [*_join(name, user, memberships), *(_set(name, setting, database) for setting in missing)]


def _owner(connection: Connection, like: Role | None, admin: str) -> Role:
    """Whoever acts as an administrator is one."""
    name = like.acts_as if like else connection.value(_OWNER)
    owner = find(connection, name) or like
    if owner is None or owner.superuser or owner.makes_roles or owner.name == admin:
        raise SourceRefused(
            f"a user that acts as {name} would be an administrator: make a role that nobody logs in as, give it what the "
            f"application owns (REASSIGN OWNED BY {name} TO …), and let {like.name if like else 'the user'} act as it "
            f"(ALTER ROLE … SET role = …)"
        )
    return owner


def _has_as_much_by_itself(connection: Connection, user: Role, owner: Role, like: Role | None) -> bool:
    """Where nobody acts as another, grants to each do as well."""
    plain = like is not None and like.acts_as == like.name and user.acts_as == user.name
    return plain and has_as_much(connection, user.name, owner.name)


def _join(name: str, user: Role | None, wanted: Mapping[str, Options]) -> Iterator[Act]:
    has = user.memberships if user else {}
    for group, options in wanted.items():
        if group in has and not any(want and not got for want, got in zip(options, has[group], strict=True)):
            continue
        yield Act(f"the membership in {group}", f"GRANT {identifier(group)} TO {identifier(name)}{_with(options)}")


def _with(options: Options) -> str:
    if options.inherit is None or options.set is None:
        return " WITH ADMIN OPTION" if options.admin else ""
    return f" WITH ADMIN {options.admin}, INHERIT {options.inherit}, SET {options.set}"


def _set(name: str, setting: Setting, database: str) -> Act:
    values = _listed(setting.value) if setting.name in _LISTS else [setting.value]
    where = f" IN DATABASE {identifier(database)}" if setting.here else ""
    value = ", ".join(literal(value) for value in values)
    return Act(f"the setting {setting.name}", f"ALTER ROLE {identifier(name)}{where} SET {identifier(setting.name)} TO {value}")


def _listed(value: str) -> list[str]:
    found = re.findall(r'"((?:[^"]|"")*)"|([^,\s"]+)', value)
    return [plain or quoted.replace('""', '"') for quoted, plain in found]
