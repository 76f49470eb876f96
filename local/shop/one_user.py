"""Without a proxy: one user, two passwords in turn. On MySQL, or on two nodes of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.mysql import Login, MySQL
from local.redis_server import RedisServer
from local.shop.databases import MYSQL, REDIS, Place, RedisSession
from local.shop.stack import DATABASE, SHOWN, Pace, Reader, made_up

USER = "shop"
TALKATIVE = {"slowlog-log-slower-than": "0", "slowlog-max-len": "20000"}


class Direct(Reader):
    def _own_parameters(self) -> dict[str, str]:
        return {}

    def _shown(self) -> dict[str, str]:
        return {"HealthUrl": self.page, "HealthMarker": SHOWN}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, self.database, self.server.ca_pem)


class TwoValues(Direct):
    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(USER, made_up()) for slot in "AB"}

    def _turns(self) -> dict[str, str]:
        return {"turns": "values"}


class OnMySQL(Direct):
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


class OneUser(TwoValues, OnMySQL):
    """Of MySQL."""


class OnRedis(TwoValues):
    """Redis has users of its own on each node: `replica` follows in its data alone."""

    kind, database = REDIS, "0"
    server: RedisServer
    replica: RedisServer

    def versions(self) -> dict[str, str]:
        """Of the real server."""
        return {"Redis": self.server.version()}

    @property
    def nodes(self) -> tuple[RedisServer, RedisServer]:
        return self.server, self.replica

    def accepts(self, user: str, password: str) -> bool:
        """Whether any node lets that login in."""
        return any(node.accepts(Login(user, password)) for node in self.nodes)

    def may_hold(self, path: Path) -> bool:  # noqa: ARG002 - whatever it is
        """No file of Redis: it is given hashes."""
        return False

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """Every command is slow here, and whoever was refused is in the other log."""
        for node in self.nodes:
            yield from node.remembered()

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(RedisServer(self.directory / "redis", self.environment, settings=TALKATIVE))
        follower = RedisServer(self.directory / "redis-replica", self.environment, settings=TALKATIVE, primary=self.server)
        self.replica = self._ended.enter_context(follower)
        for node in self.nodes:
            node.create_admin(self.admin)
            node.create_user(self.users["A"])
        self.server.execute("SET", RedisSession.KEY, SHOWN)

    def _own_parameters(self) -> dict[str, str]:
        return {"ReaderHosts": self.replica.node}
