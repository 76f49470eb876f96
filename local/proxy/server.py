"""A real pgbouncer in the place of RDS Proxy, in front of a real PostgreSQL.

As RDS Proxy it has one secret for each database user. From it comes the password that the user's clients have to show, and with
the same password it opens its own sessions, which it keeps. So it fails in the same ways:

- a secret that was changed is not known for a while: the old password is accepted, the new one refused;
- a user without a secret does not get in, whatever the database says;
- a session that is open outlives every change of a password. A secret that says another password than the database shows only
  when a new session is needed.

What differs: RDS Proxy may read a secret sooner when a login is refused, keeps some clients on one session, and words errors in
its own way.
"""

from __future__ import annotations

import secrets
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pg8000.native

from local.certificates import Authority
from local.mysql import HOST, STARTED_WITHIN, Login
from local.ports import free_port
from local.postgresql import PostgreSQL, close
from local.proxy.cache import Cache, Look, Users
from local.proxy.pgbouncer import CONSOLE, REFUSED, SETTINGS, configuration, programs, users_file
from local.serving import begin, end


class Pooled(PostgreSQL):
    """A server that the proxy reaches by a socket: of sessions with TLS pgbouncer ends all, whenever it learns something. By TCP
    this server takes TLS only, as ever."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        version: int | None = None,
    ) -> None:
        self.environment = environment
        self.socket = directory / "socket"
        super().__init__(directory, environment, {**(settings or {}), "unix_socket_directories": str(self.socket)}, version)
        self.socket.mkdir()

    def write_rules(self, rules: Sequence[str]) -> None:
        super().write_rules((*rules, "local all all scram-sha-256"))


class Proxy:
    """`every`: seconds between two looks at the secrets, so the most that it is behind them."""

    host = HOST

    def __init__(
        self,
        directory: Path,
        server: Pooled,
        databases: Sequence[str],
        look: Look,
        *,
        every: float = 3.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.log = directory / "pgbouncer.log"
        self.port = 0
        self.cache = Cache(look, every, self._learn)
        self._server = server
        self._databases = databases
        self._settings = {**SETTINGS, **(settings or {})}
        self._console = Login("console", secrets.token_urlsafe(32))
        authority = Authority("local proxy authority")
        self.ca_pem = authority.pem
        directory.mkdir(parents=True, exist_ok=True)
        self._certificate = authority.issue(directory, "proxy")
        self._programs = programs()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return when it knows the secrets and answers over verified TLS, so it is ours and no other on that port."""
        self.port = self.port or free_port()
        self._write_configuration()
        self._write_users({})
        command = self._programs.command("pgbouncer", str(self.directory / "pgbouncer.ini"))
        self._process = begin(command, self._programs.environment(self._server.environment), self.log)
        self._wait_until_accepting()
        self.cache.start()

    def stop(self) -> None:
        """Every session ends, and what it knew of the secrets is gone; `start` again has the same port."""
        self.cache.stop()
        if self._process is not None:
            end(self._process)
            self._process = None
        (self.directory / "users.txt").unlink(missing_ok=True)

    @contextmanager
    def connect(self, login: Login, database: str) -> Iterator[Any]:
        """An application's session; chain and host name verified."""
        session = pg8000.native.Connection(
            login.username,
            password=login.password,
            host=HOST,
            port=self.port,
            database=database,
            ssl_context=ssl.create_default_context(cadata=self.ca_pem),
            timeout=30,  # somebody else on that port may never say a word
        )
        try:
            yield session
        finally:
            close(session)

    def accepts(self, login: Login, database: str) -> bool:
        """Whether a new client gets in and can work; anything but a refused login is an error, not a no."""
        try:
            with self.connect(login, database) as session:
                return bool(session.run("SELECT 1") == [[1]])
        except pg8000.native.DatabaseError as error:
            if error.args[0]["M"] == REFUSED:
                return False
            raise

    def pooled(self, username: str) -> int:
        """How many sessions it holds on the server for that user, idle or not."""
        with self.connect(self._console, CONSOLE) as console:
            rows = console.run("SHOW SERVERS")
            names = [column["name"] for column in console.columns]
        return sum(1 for row in rows if row[names.index("user")] == username)

    def _learn(self, users: Users) -> None:
        self._write_users(users)
        with self.connect(self._console, CONSOLE) as console:
            console.run("RELOAD")

    def _write_users(self, users: Users) -> None:
        """In its place only once it is whole."""
        partial = self.directory / "users.partial"
        partial.touch(mode=0o600)
        partial.write_text(users_file({self._console.username: self._console.password, **users}))
        partial.rename(self.directory / "users.txt")

    def _write_configuration(self) -> None:
        own = {
            "listen_port": str(self.port),
            "auth_file": str(self.directory / "users.txt"),
            "admin_users": self._console.username,
            "client_tls_cert_file": str(self._certificate.certificate),
            "client_tls_key_file": str(self._certificate.key),
        }
        where = f"host={self._server.socket} port={self._server.port}"
        text = configuration(self._databases, where, {**self._settings, **own})
        (self.directory / "pgbouncer.ini").write_text(text)

    def _wait_until_accepting(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with self.connect(self._console, CONSOLE):
                    return
            except (pg8000.native.Error, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"pgbouncer did not start:\n{self.log.read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.02)
