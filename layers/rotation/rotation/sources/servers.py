"""A database of one writer and its readers, each asked in a session of its own. What kind of database it is, a subclass knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from rotation.core.errors import AdminLoginUnknown, RotationError, SourceUnreachable
from rotation.core.seen import Activity, Server, SessionId

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import AdminSession

    class ServerSession(AdminSession, Protocol):
        """A connection to one server, the writer or a reader."""

        def lock(self) -> None:
            """Take our lock, which goes when the connection closes; only on a writer."""

        def inspect(self, users: Sequence[str], schema: str) -> Server:
            """That server, as mode verify sees it."""

        def sessions(self, username: str) -> list[int]:
            """That user's, but for our own."""

        def end(self, username: str, numbers: Sequence[int]) -> None:
            """Those of them that are still there."""

        def close(self) -> None:
            """Whatever became of it on the server's side."""


class Denied(RotationError):
    """The one answer that means a wrong password. It never leaves a source: what it means depends on who was asked."""


S = TypeVar("S", bound="ServerSession")


class Servers(ABC, Generic[S]):
    """Connects anew each time, so that a fail-over is followed through DNS."""

    def __init__(self, readers: Sequence[str] = ()) -> None:
        self._readers = readers

    @abstractmethod
    def logs_in(self, credential: Credential) -> bool:
        """As the port has it."""

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def settles_in(self) -> float:
        return 0.0

    @abstractmethod
    def _open(self, credential: Credential) -> S:
        """A session there, or Denied."""

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[AdminSession]:
        with self._session(admin, admin.host) as session:
            session.lock()
            yield session

    def activity(self, admin: Credential, username: str) -> Activity:
        seen = [session.activity(username) for _, session in self._everywhere(admin)]
        counts = [activity.logins for activity in seen]
        logins = None if None in counts else sum(count or 0 for count in counts)
        return Activity(sum(activity.sessions for activity in seen), logins)

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        for host in self._readers:
            with self._session(admin, host):
                pass  # a reader that is not reached, or not trusted, has to be said too
        with self._session(admin, admin.host) as session:
            return session.inspect(users, admin.dbname)

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        return [(host, number) for host, session in self._everywhere(admin) for number in session.sessions(username)]

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        """A host name may lead to another server by now, where the number is somebody else's."""
        for host in dict.fromkeys(host for host, _ in sessions):
            with self._session(admin, host) as session:
                there = session.sessions(username)
                session.end(username, [number for at, number in sessions if at == host and number in there])

    def _everywhere(self, admin: Credential) -> Iterator[tuple[str, S]]:
        for host in (admin.host, *self._readers):
            with self._session(admin, host) as session:
                yield host, session

    @contextmanager
    def _session(self, admin: Credential, host: str) -> Iterator[S]:
        """The login is one that has just worked: a reader may not know a password yet, and nobody may know one any more that
        another target has made new meanwhile. Whoever asks again looks for the one that works."""
        try:
            session = self._open(replace(admin, host=host))
        except Denied:
            kind = AdminLoginUnknown if host == admin.host else SourceUnreachable
            raise kind(f"{admin.username} was refused by {host}: its password there is another by now") from None
        try:
            yield session
        finally:
            session.close()
