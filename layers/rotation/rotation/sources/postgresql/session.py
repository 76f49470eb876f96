"""A session as the admin, on the writer or a reader; our lock goes when it closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from pg8000.native import identifier

from rotation.core.errors import AccountAmbiguous, AccountLocked, PrimaryUnknown, SourceBusy, SourceReadOnly, SourceRefused
from rotation.core.seen import Activity, Server
from rotation.sources.postgresql import roles, server
from rotation.sources.postgresql.connection import NAME, STATEMENT_SECONDS, Connection

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password

LOCK_SECONDS = 5
IDLE_SECONDS = 60
"""A function that dies without a word must not hold our lock, nor count as a session, until TCP notices."""

# Nothing that others may make (functions, operators) is looked up, and nothing that was set for the admin or the database is
# relied upon. NONE: the admin itself, whomever it acts as otherwise.
_OURSELVES = """
    SET search_path = pg_catalog; SET role = NONE; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;
    SET idle_in_transaction_session_timeout = '{idle}s'; SET idle_session_timeout = '{idle}s';
    SET statement_timeout = '{statement}s'; SET lock_timeout = '{lock}ms'
"""
_SESSIONS = """
    SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_activity
    WHERE usename = :username AND pid <> pg_backend_pid()
    AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')
"""
_IN_USE = " AND (state = 'idle' AND state_change <= clock_timestamp() - make_interval(secs => :seconds)) IS NOT TRUE"
_END = f"SELECT pg_terminate_backend(pid) FROM ({_SESSIONS}) AS there (pid, started) WHERE pid = :pid AND started = :started"  # noqa: S608


class PostgreSQLSession:
    """One connection to the admin's database; grants are looked at in the application's."""

    def __init__(
        self, admin: Credential, connect: Callable[[Credential], Connection], secret: str, idle_seconds: int | None = None
    ) -> None:
        self._admin = admin
        self._connect = connect
        self._key = int.from_bytes(sha256(f"{NAME} {secret}".encode()).digest()[:8], "big", signed=True)
        self._idle_seconds = idle_seconds
        self._connection = self._begin(admin)

    @property
    def dual_passwords(self) -> bool:
        return False

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:  # noqa: ARG002 - there is nothing to compare
        raise PrimaryUnknown(f"{username}: PostgreSQL keeps one password a user")

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:  # noqa: ARG002 - nor here
        raise PrimaryUnknown(f"{username}: PostgreSQL keeps one password a user")

    def close(self) -> None:
        self._connection.close()

    def lock(self) -> None:
        """Taken on the writer only: one on a standby protects nothing."""
        host = self._admin.host
        if self._connection.value("SELECT current_setting('transaction_read_only')::bool"):
            raise SourceReadOnly(f"{host} is read-only: a reader, or a writer in the middle of a fail-over")
        try:
            self._connection.run("SELECT pg_advisory_lock(:key)", key=self._key)
        except SourceBusy:
            raise SourceBusy(f"another session holds our lock on {host}") from None

    def activity(self, username: str) -> Activity:
        """Sessions that are in use. The server does not count logins."""
        if self._idle_seconds is None:
            return Activity(len(self.sessions(username)), None)
        busy = self._connection.run(_SESSIONS + _IN_USE, username=username, seconds=self._idle_seconds)
        return Activity(len(busy), None)

    def sessions(self, username: str) -> list[int]:
        """Idle ones too."""
        return [_number(pid, started) for pid, started in self._connection.run(_SESSIONS, username=username)]

    def end(self, username: str, numbers: Sequence[int]) -> None:
        for pid, started in self._connection.run(_SESSIONS, username=username):
            if _number(pid, started) in numbers:
                self._connection.run(_END, username=username, pid=pid, started=started)

    def inspect(self, users: Sequence[str], schema: str) -> Server:  # noqa: ARG002 - rights are asked of users, not of a schema
        return server.inspect(self._connection, self._admin, users)

    def exists(self, username: str) -> bool:
        return roles.find(self._connection, username) is not None

    def create_user(self, credential: Credential, like: Credential) -> None:
        """All of it or nothing."""
        name = credential.username
        with self._database(credential.dbname) as connection:
            if roles.find(connection, name) is not None:
                raise SourceRefused(f"{self._admin.host} has a user {name}")
            model = roles.find(connection, like.username)
            acts = roles.lacking(connection, name, None, model, self._admin.username)
            limit = model.connection_limit if model else -1
            with connection.all_or_nothing():
                make = f"CREATE ROLE {identifier(name)} LOGIN CONNECTION LIMIT {limit} PASSWORD"
                connection.give_password(make, credential.password)
                self._do(connection, name, acts)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        """Memberships, settings, and whom it acts as."""
        with self._database(user.dbname) as connection:
            found, model = self._role(connection, user.username), roles.find(connection, like.username)
            acts = roles.lacking(connection, found.name, found, model, self._admin.username)
            with connection.all_or_nothing():
                self._do(connection, found.name, acts)
        return bool(acts)

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        """Open sessions go on. A user that could not log in with it is not touched."""
        if retain:
            raise SourceRefused(f"{self._admin.host} keeps one password a user: the old one cannot stay beside the new one")
        role = self._role(self._connection, username)
        if not role.may_log_in:
            raise AccountLocked(f"{username} may not log in to {self._admin.host}: ALTER ROLE {username} LOGIN")
        if role.expired:
            raise AccountLocked(f"VALID UNTIL of {username} has passed: ALTER ROLE {username} VALID UNTIL 'infinity'")
        self._connection.give_password(f"ALTER ROLE {identifier(username)} PASSWORD", password)

    def discard_old_password(self, username: str, keep: Password) -> None:  # noqa: ARG002 - there is nothing beside it
        """There is never one."""
        raise SourceRefused(f"{self._admin.host} keeps one password a user: {username} has no old one")

    def _do(self, connection: Connection, name: str, acts: Sequence[roles.Act]) -> None:
        for act in acts:
            try:
                connection.run(act.statement)
            except SourceRefused as error:
                raise SourceRefused(f"{name} could not be given {act.what}: {error}") from None

    def _role(self, connection: Connection, username: str) -> roles.Role:
        role = roles.find(connection, username)
        if role is None:
            raise AccountAmbiguous(f"{self._admin.host} has no user {username}")
        return role

    @contextmanager
    def _database(self, name: str) -> Iterator[Connection]:
        """The lock stays where it is: it holds for one database."""
        if name == self._admin.dbname:
            yield self._connection
            return
        connection = self._begin(replace(self._admin, dbname=name))
        try:
            yield connection
        finally:
            connection.close()

    def _begin(self, admin: Credential) -> Connection:
        connection = self._connect(admin)
        try:
            limits = {"idle": IDLE_SECONDS, "statement": STATEMENT_SECONDS, "lock": max(1, int(LOCK_SECONDS * 1000))}
            connection.run(_OURSELVES.format(**limits))
        except BaseException:
            connection.close()
            raise
        return connection


def _number(pid: int, started: int | None) -> int:
    """The server gives a process's number again, but not with the same start. Who may not see the start may not end it either."""
    return (started or 0) << 32 | pid
