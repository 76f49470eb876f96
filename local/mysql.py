"""A real MySQL server that stands for Aurora: TLS only, its own authority, dual passwords, a master user."""

from __future__ import annotations

import re
import secrets
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pymysql

from local.certificates import Authority
from local.login import Login
from local.mysqld import SETTINGS, as_user, lay_out_data, server_command
from local.ports import free_port
from local.serving import begin, end

HOST = "127.0.0.1"
STARTED_WITHIN = 60.0  # seconds; 0.8 is usual, a loaded machine takes longer

# What the master user of Aurora MySQL 3 has. Not ALL: that would hide a statement that AWS refuses.
MASTER_PRIVILEGES = """SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,
    SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT,
    CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP ROLE,
    APPLICATION_PASSWORD_ADMIN, CONNECTION_ADMIN, ROLE_ADMIN, XA_RECOVER_ADMIN"""


class MySQL:
    """One server with its files under `directory`; log files for the canary test: `general_log`, `error_log`."""

    host = HOST
    privileges = MASTER_PRIVILEGES

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.general_log = self.data / "general.log"
        self.error_log = self.data / "error.log"
        self.ca_path = directory / "ca.pem"
        self.port = 0
        self.root = Login("root", secrets.token_urlsafe(32))
        self._environment = environment
        authority = Authority("local database authority")
        self.ca_pem = authority.pem
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_path.write_text(self.ca_pem)
        self._certificate = authority.issue(directory, "mysql")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the server answers over verified TLS, so it is ours and no other on that port."""
        command = self.command()
        new = not self.data.exists()
        if new:
            self.lay_out_data(command)
        self.port = self.port or free_port()
        self._process = begin([*command, *self._arguments()], self._environment)
        self._wait_until_accepting(Login("root", "") if new else self.root)
        if new:
            self._set_root_password()

    def command(self) -> list[str]:
        """The server's program, and what it always needs to be told."""
        return server_command()

    def settings(self) -> list[str]:
        """What is the same for every server."""
        return SETTINGS

    def lay_out_data(self, command: list[str]) -> None:
        """A first data directory."""
        lay_out_data(command, self.data)

    def stop(self) -> None:
        """An orderly stop; `start` again finds the same data, port and logins."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def create_admin(self, admin: Login) -> None:
        """An administrator with the privileges of an RDS master user: not root, not SUPER."""
        self._execute(
            ("CREATE USER %s@'%%' IDENTIFIED BY %s", (admin.username, admin.password)),
            (f"GRANT {self.privileges} ON *.* TO %s@'%%' WITH GRANT OPTION", (admin.username,)),
        )

    def create_schema(self, schema: str) -> None:
        """The application's schema with one small table, which its pods read on every request."""
        self._execute(
            (f"CREATE DATABASE `{schema}`", ()),
            (f"CREATE TABLE `{schema}`.facility (id INT PRIMARY KEY, name VARCHAR(255))", ()),
            (f"INSERT INTO `{schema}`.facility VALUES (3, 'Your Clinic Name Here')", ()),  # noqa: S608 - our own name
        )

    def create_user(self, login: Login, schema: str) -> None:
        """A slot's user as the application's installation leaves it: its own schema, TLS only."""
        pattern = re.sub(r"([_%])", r"\\\1", schema).replace("%", "%%")  # both are wildcards in a grant
        self._execute(
            ("CREATE USER %s@'%%' IDENTIFIED BY %s REQUIRE SSL", (login.username, login.password)),
            (f"GRANT ALL ON `{pattern}`.* TO %s@'%%'", (login.username,)),
        )

    def set_password(self, login: Login) -> None:
        """Behind everybody's back; the old one is refused at once."""
        self._execute(("ALTER USER %s@'%%' IDENTIFIED BY %s", (login.username, login.password)))

    def set_general_log(self, *, on: bool) -> None:
        self._execute(("SET GLOBAL general_log = %s", ("ON" if on else "OFF",)))

    def connect(self, login: Login | None = None, schema: str | None = None) -> Any:
        """A PyMySQL session, as root unless told otherwise; chain and host name verified."""
        who = login or self.root
        return pymysql.connect(
            host=HOST,
            port=self.port,
            user=who.username,
            password=who.password,
            database=schema,
            ssl=ssl.create_default_context(cadata=self.ca_pem),
            autocommit=True,
            connect_timeout=10,
            read_timeout=30,  # somebody else on that port may never say a word
        )

    def version(self) -> str:
        """As the server says it."""
        with self.connect() as session, session.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return str(cursor.fetchone()[0])

    def accepts(self, login: Login) -> bool:
        """Whether this login works; anything but a refused password is an error, not a no."""
        try:
            self.connect(login).close()
        except pymysql.err.OperationalError as error:
            if error.args[0] == pymysql.constants.ER.ACCESS_DENIED_ERROR:
                return False
            raise
        return True

    def _execute(self, *statements: tuple[str, tuple[str, ...]]) -> None:
        with self.connect() as session, session.cursor() as cursor:
            for statement, values in statements:
                cursor.execute(statement, values or None)

    def _set_root_password(self) -> None:
        with self.connect(Login("root", "")) as session, session.cursor() as cursor:
            cursor.execute("ALTER USER 'root'@'localhost' IDENTIFIED BY %s", (self.root.password,))

    def _arguments(self) -> list[str]:
        return [
            *self.settings(),
            *as_user(),
            f"--datadir={self.data}",
            f"--log-error={self.error_log}",
            "--socket=mysql.sock",  # beside the data: an absolute one may be longer than a socket's name may be
            f"--pid-file={self.data / 'mysqld.pid'}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            f"--ssl-ca={self.ca_path}",
            f"--ssl-cert={self._certificate.certificate}",
            f"--ssl-key={self._certificate.key}",
        ]

    def _wait_until_accepting(self, login: Login) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                self.connect(login).close()
                return
            except pymysql.err.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"MySQL did not start:\n{_tail(self.error_log)}") from None
            time.sleep(0.02)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else "(it wrote no log)"
