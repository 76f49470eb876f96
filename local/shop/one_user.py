"""MySQL without a proxy; and one user there, with two passwords in turn."""

from __future__ import annotations

from pathlib import Path

from local.mysql import Login, MySQL
from local.shop.databases import MYSQL, Place
from local.shop.stack import DATABASE, SHOWN, Pace, Reader, made_up

USER = "shop"


class Direct(Reader):
    kind = MYSQL
    server: MySQL

    def versions(self) -> dict[str, str]:
        """Of the real server."""
        return {"MySQL": self.server.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.server.accepts(Login(user, password))

    def may_hold(self, path: Path) -> bool:
        """MySQL's own files, but not its logs."""
        return path.is_relative_to(self.server.data) and path not in (self.server.general_log, self.server.error_log)

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(MySQL(self.directory / "mysql", self.environment))
        self.server.create_admin(self.admin)
        self.server.create_schema(DATABASE)
        for login in {login.username: login for login in reversed(self.users.values())}.values():
            self.server.create_user(login, DATABASE)

    def _own_parameters(self) -> dict[str, str]:
        return {}

    def _shown(self) -> dict[str, str]:
        return {"HealthUrl": self.page, "HealthMarker": SHOWN}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, DATABASE, self.server.ca_pem)


class OneUser(Direct):
    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(USER, made_up()) for slot in "AB"}

    def _turns(self) -> dict[str, str]:
        return {"turns": "values"}
