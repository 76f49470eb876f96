"""A real PostgreSQL server that stands for RDS: TLS only, its own authority, an admin that is no superuser."""

from __future__ import annotations

import secrets
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pg8000.native
from pg8000.native import identifier, literal

from local.certificates import Authority
from local.mysql import HOST, STARTED_WITHIN, Login
from local.ports import free_port
from local.postgres import FIRST_PASSWORD, RULES, SETTINGS, SUPERUSER, lay_out_data, programs
from local.serving import begin, end
from local.shop.databases import close

# What RDS's master user has by rds_superuser, as far as it is made of what PostgreSQL itself has. No superuser, and no owner of
# what others have made.
MASTER = "LOGIN CREATEROLE CREATEDB NOSUPERUSER NOREPLICATION NOBYPASSRLS"
MASTER_OF = ("pg_monitor", "pg_signal_backend", "pg_checkpoint")


class PostgreSQL:
    """One server with its files under `directory`; `log` has every statement, for the canary test."""

    host = HOST

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        version: int | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "server.log"
        self.port = 0
        self.root = Login(SUPERUSER, secrets.token_urlsafe(32))
        self.settings = {**SETTINGS, **(settings or {})}
        self.programs = programs(version)
        self._environment = self.programs.environment(environment)
        self._authority = authority or Authority("local database authority")
        self.ca_pem = self._authority.pem
        directory.mkdir(parents=True, exist_ok=True)
        self._certificate = self._authority.issue(directory, "postgresql")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the server answers over verified TLS, so it is ours and no other on that port."""
        new = not self.data.exists()
        if new:
            lay_out_data(self.programs, self.data)
            self.write_rules(RULES)
        self.port = self.port or free_port()
        command = self.programs.command("postgres", "-D", str(self.data), *self._arguments())
        self._process = begin(command, self._environment, self.log)
        self._wait_until_accepting(Login(SUPERUSER, FIRST_PASSWORD) if new else self.root)
        if new:
            with self.connect(Login(SUPERUSER, FIRST_PASSWORD)) as session:
                session.run(f"ALTER ROLE {SUPERUSER} PASSWORD {literal(self.root.password)}")

    def stop(self) -> None:
        """An orderly stop, which waits for nobody's session; `start` again finds the same data, port and logins."""
        if self._process is not None:
            end(self._process, signal.SIGINT, signal.SIGQUIT)  # not KILL: that leaves its shared memory
            self._process = None

    def follower(self, directory: Path, environment: Mapping[str, str] | None = None) -> Standby:
        """A copy of it as it is now, that follows it once it is started; its logins and its authority are the same."""
        return Standby(self, directory, environment)

    def send(self, what: signal.Signals) -> None:
        """To the server itself."""
        assert self._process is not None
        self._process.send_signal(what)

    def write_rules(self, rules: Sequence[str]) -> None:
        """Who may come from where, and how; a running server is to be told (`reload`)."""
        (self.data / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules))

    def reload(self) -> None:
        """The configuration read again; returns when new sessions have it."""
        with self.connect() as session:
            ((before,),) = session.run("SELECT pg_conf_load_time()")
            session.run("SELECT pg_reload_conf()")
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline:
            with self.connect() as session:
                if session.run("SELECT pg_conf_load_time()") != [[before]]:
                    return
        raise RuntimeError("PostgreSQL did not read its configuration again")

    def version(self) -> str:
        """As the server says it."""
        return str(self.execute("SHOW server_version")[0][0])

    def create_admin(self, admin: Login) -> None:
        """An administrator with what an RDS master user has: no superuser."""
        name = identifier(admin.username)
        self.execute(
            f"CREATE ROLE {name} {MASTER} PASSWORD {literal(admin.password)}",
            *(f"GRANT {role} TO {name}" for role in MASTER_OF),
        )

    def create_database(self, name: str, owner: str, *, admin: str | None = None) -> None:
        """The application's, owned by a role that nobody logs in as, made by the admin as a master user would."""
        self.execute(
            f"CREATE ROLE {identifier(owner)} NOLOGIN",
            *([f"GRANT {identifier(owner)} TO {identifier(admin)} WITH ADMIN OPTION"] if admin else []),
            f"CREATE DATABASE {identifier(name)} OWNER {identifier(owner)}",
        )
        with self.connect(database=name) as session:
            session.run(f"SET ROLE {identifier(owner)}")
            session.run("CREATE SCHEMA app")
            session.run("CREATE TABLE app.facility (id int PRIMARY KEY, name text)")
            session.run("INSERT INTO app.facility VALUES (3, 'Your Clinic Name Here')")

    def create_user(self, login: Login, owner: str) -> None:
        """One of those that take turns: a member of the owner, that acts as it."""
        name = identifier(login.username)
        self.execute(
            f"CREATE ROLE {name} LOGIN PASSWORD {literal(login.password)} IN ROLE {identifier(owner)}",
            f"ALTER ROLE {name} SET role = {literal(owner)}",
        )

    def set_password(self, login: Login) -> None:
        """Behind everybody's back; the old one is refused at once."""
        self.execute(f"ALTER ROLE {identifier(login.username)} PASSWORD {literal(login.password)}")

    @contextmanager
    def connect(self, login: Login | None = None, database: str = "postgres", **more: str) -> Iterator[Any]:
        """A session, as the superuser unless told otherwise; chain and host name verified."""
        who = login or self.root
        session = pg8000.native.Connection(
            who.username,
            password=who.password,
            host=HOST,
            port=self.port,
            database=database,
            ssl_context=ssl.create_default_context(cadata=self.ca_pem),
            timeout=30,  # somebody else on that port may never say a word
            **more,
        )
        try:
            yield session
        finally:
            close(session)

    def accepts(self, login: Login, database: str = "postgres") -> bool:
        """Whether this login works; anything but a refused password is an error, not a no."""
        try:
            with self.connect(login, database):
                return True
        except pg8000.native.DatabaseError as error:
            if error.args[0]["C"] == "28P01":
                return False
            raise

    def execute(self, *statements: str, database: str = "postgres", who: Login | None = None) -> list[list[Any]]:
        """Of the last one the rows."""
        rows: list[list[Any]] = []
        with self.connect(who, database) as session:
            for statement in statements:
                rows = session.run(statement) or []
        return rows

    def _arguments(self) -> list[str]:
        given = {
            **self.settings,
            "port": str(self.port),
            "ssl_cert_file": str(self._certificate.certificate),
            "ssl_key_file": str(self._certificate.key),
        }
        return [argument for name, value in given.items() for argument in ("-c", f"{name}={value}")]

    def _wait_until_accepting(self, login: Login) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with self.connect(login):
                    return
            except (pg8000.native.Error, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.02)


class Standby(PostgreSQL):
    """A reader. How far behind it is, is said by whoever has it."""

    def __init__(self, writer: PostgreSQL, directory: Path, environment: Mapping[str, str] | None) -> None:
        super().__init__(directory, environment, writer.settings, authority=writer._authority)  # noqa: SLF001 - of its own kind
        self.root, self._writer = writer.root, writer
        place = f"host={writer.host} port={writer.port} user={writer.root.username} password={writer.root.password} sslmode=require"
        self.programs.run(
            "pg_basebackup", f"--pgdata={self.data}", f"--dbname={place}", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"
        )

    def lag(self) -> None:
        """Nothing that happens from now on is seen here, until it follows again."""
        self.catch_up()
        self.execute("SELECT pg_wal_replay_pause()")

    def follow(self) -> None:
        self.execute("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """What has happened so far is seen here."""
        ((reached,),) = self._writer.execute("SELECT pg_current_wal_insert_lsn()::text")
        deadline = time.monotonic() + STARTED_WITHIN
        while self.execute(f"SELECT pg_last_wal_replay_lsn() >= '{reached}'") != [[True]]:
            if time.monotonic() > deadline:
                raise RuntimeError("the standby does not follow")
            time.sleep(0.02)
