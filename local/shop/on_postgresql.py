"""The shop on PostgreSQL, without a proxy."""

from __future__ import annotations

from pathlib import Path

from local.mysql import Login
from local.postgresql import PostgreSQL
from local.shop.databases import POSTGRESQL
from local.shop.one_user import Direct
from local.shop.stack import Pace, made_up
from local.shop.tables import furnish


class OnPostgreSQL(Direct):
    """Two users take turns."""

    kind = POSTGRESQL
    server: PostgreSQL

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in "AB"}

    def versions(self) -> dict[str, str]:
        """Of the real server."""
        return {"PostgreSQL": self.server.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.server.accepts(Login(user, password))

    def may_hold(self, path: Path) -> bool:
        """PostgreSQL's own files, but not its log."""
        return path.is_relative_to(self.server.data)

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(PostgreSQL(self.directory / "postgresql", self.environment))
        furnish(self.server, self.admin, self.users.values())
        self.server.log.write_bytes(b"")  # these statements are ours, and have passwords in them; no later one may
