"""Source on PostgreSQL: RDS, Aurora, or a server of one's own, 14 and later. One password a user: users take turns.

TLS is required and verified, chain and host name. A driver's error text never gets out: it can quote the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rotation.core.errors import SourceUnreachable
from rotation.sources.postgresql.connection import Connection
from rotation.sources.postgresql.session import PostgreSQLSession
from rotation.sources.servers import Denied, Servers
from rotation.sources.tls import verified

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, here: Surroundings) -> PostgreSQL:
    """As the target names it."""
    return PostgreSQL(settings["ca"], settings["readers"], here.lock, here.quiet_seconds if settings["pooled"] else None)


class PostgreSQL(Servers[PostgreSQLSession]):
    """The database behind a target."""

    def __init__(self, ca: str, readers: Sequence[str] = (), secret: str = "", idle_seconds: int | None = None) -> None:
        """`secret`: which one's admin takes the lock. `idle_seconds`: sessions are a pool's, and one that has been idle for so long
        is not use (None: every session is)."""
        super().__init__(readers)
        self._ca = ca
        self._secret = secret
        self._idle_seconds = idle_seconds

    def logs_in(self, credential: Credential) -> bool:
        """Everywhere. A reader that lags behind takes the old password and refuses the new one: then nothing is decided yet."""
        answers = {self._takes(replace(credential, host=host)) for host in (credential.host, *self._readers)}
        if len(answers) > 1:
            raise SourceUnreachable(f"{credential.username}: the readers of {credential.host} do not know the newest password yet")
        return answers.pop()

    def _takes(self, credential: Credential) -> bool:
        """A statement too: a pooler may greet a user whom the server behind it refuses."""
        try:
            connection = self._connect(credential)
        except Denied:
            return False
        try:
            connection.run("SELECT 1")
        finally:
            connection.close()
        return True

    def _open(self, credential: Credential) -> PostgreSQLSession:
        return PostgreSQLSession(credential, self._connect, self._secret, self._idle_seconds)

    def _connect(self, credential: Credential) -> Connection:
        return Connection(credential, verified(self._ca))
