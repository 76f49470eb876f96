"""How an application connects: the driver, verified TLS, one small question."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import pg8000.native
import pymysql

from local.login import Login

POSTGRESQL, MYSQL, REDIS, SIGNING = "postgresql", "mysql", "redis", "signing-key"
TIMEOUT = 5  # seconds; what a user would call "it hangs"


@dataclass(frozen=True)
class Place:
    """Where it logs in: the database itself, or its proxy."""

    kind: str
    host: str
    port: int
    database: str
    ca_pem: str


class Session(Protocol):
    def name(self) -> str:
        """What the page shows."""

    def close(self) -> None:
        """Also one that is broken."""


class PostgreSQLSession:
    def __init__(self, session: Any) -> None:
        self._session = session

    def name(self) -> str:
        return str(self._session.run("SELECT name FROM app.facility")[0][0])

    def close(self) -> None:
        close(self._session)


class MySQLSession:
    def __init__(self, session: Any) -> None:
        self._session = session

    def name(self) -> str:
        with self._session.cursor() as cursor:
            cursor.execute("SELECT name FROM facility")
            return str(cursor.fetchone()[0])

    def close(self) -> None:
        if self._session.open:
            self._session.close()


class RedisSession:
    KEY = "shop:name"

    def __init__(self, client: Any) -> None:
        self._client = client

    def name(self) -> str:
        return str(self._client.get(self.KEY))

    def close(self) -> None:
        self._client.close()


def close(session: Any) -> None:
    """Whatever became of it on the server's side."""
    with suppress(pg8000.native.Error, OSError):
        session.close()


def postgresql(place: Place) -> Callable[[Login], Session]:
    tls = ssl.create_default_context(cadata=place.ca_pem)

    def connect(login: Login) -> Session:
        given = {"host": place.host, "port": place.port, "database": place.database, "ssl_context": tls, "timeout": TIMEOUT}
        return PostgreSQLSession(pg8000.native.Connection(login.username, password=login.password, **given))

    return connect


def mysql(place: Place) -> Callable[[Login], Session]:
    tls = ssl.create_default_context(cadata=place.ca_pem)

    def connect(login: Login) -> Session:
        given = {"host": place.host, "port": place.port, "database": place.database, "ssl": tls, "autocommit": True}
        limits = {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT}
        return MySQLSession(pymysql.connect(user=login.username, password=login.password, **given, **limits))

    return connect


def redis_client(host: str, port: int, login: Login, tls: ssl.SSLContext, seconds: float = TIMEOUT) -> Any:
    """One that connects with its first command. Nothing is tried again."""
    from redis import ConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    given = {"host": host, "port": port, "username": login.username, "password": login.password, "tls": tls}
    limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
    pool = ConnectionPool(_connection(), decode_responses=True, driver_info=None, **given, **limits)
    return Redis.from_pool(pool)


@cache
def _connection() -> type:
    """The driver's, with a context of ours: its own is read anew for each connection, with every authority of the system."""
    from redis.connection import Connection  # who has another database need not wait for it

    class Verified(Connection):
        def __init__(self, tls: ssl.SSLContext, **given: Any) -> None:
            super().__init__(**given)
            self._tls = tls

        def _connect(self) -> Any:
            return self._tls.wrap_socket(super()._connect(), server_hostname=self.host)

    return Verified


def redis(place: Place) -> Callable[[Login], Session]:
    tls = ssl.create_default_context(cadata=place.ca_pem)
    return lambda login: RedisSession(redis_client(place.host, place.port, login, tls))


def signing(place: Place) -> Callable[[Login], Session]:
    """No database: a token is signed, and shown to who verifies it. What a place says is read from its database's name."""
    from local.shop import tokens  # who has a database need not wait for it

    published = tokens.Published.parse(place.database)
    return tokens.connect(published, tokens.reader(place.host, place.ca_pem, published))


CONNECT = {POSTGRESQL: postgresql, MYSQL: mysql, REDIS: redis, SIGNING: signing}
