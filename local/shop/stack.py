"""An application that reads its login from a secret, all of it real but AWS: the database, the proxy, the shipped functions.

`Shop` is PostgreSQL behind pgbouncer, with a ring of users; `OneUser` is MySQL without a proxy, two passwords of one user in turn.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.aws import REPOSITORY, local_only
from local.deploy import deploy
from local.mysql import Login, MySQL
from local.proxy import pgbouncer
from local.proxy.cache import in_secrets_manager
from local.proxy.server import Pooled, Proxy
from local.running import BUILD, NAME, Running
from local.shop.application import Settings
from local.shop.databases import MYSQL, POSTGRESQL, Place

DATABASE, OWNER, ADMIN, USER = "shop", "shop_owner", "master", "shop"
SLOTS = "ABCDEFGH"
SHOWN = "Your Clinic Name Here"
"""What is in the database, and so in the application's page."""
OTHERS = {"rotation_type": "application", "a key of somebody else": [1, None]}
"""What the application's secret holds besides; nobody of us changes it."""
COUNTED = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}


@dataclass(frozen=True)
class Pace:
    """How patient everybody is. In AWS a cache lives for minutes, and so does a connection."""

    quiet_seconds: int = 2
    cache_seconds: int = 2
    """Of what the application has read of its secret; both logins work for as long."""
    lifetime_seconds: float = 3.0
    """Of a connection that the application keeps: for so long the drain sees its old user at work."""
    proxy_seconds: float = 1.0
    """Between two looks of the proxy at its secrets."""
    drain_deadline_seconds: int = 120


def made_up() -> str:
    """A password that is found again wherever it leaks."""
    return f"canary-{secrets.token_urlsafe(24)}"


def login_of(held: dict[str, Any]) -> Login:
    """What a secret says."""
    return Login(held["username"], held["password"])


class Reader(Running):
    """What the two have in common: the application and its secret."""

    slot_secret, admin_secret, target = "shop/slots", "shop/admin", "shop"
    application_secret = "shop/application"
    kind: str
    server: Pooled | MySQL
    users: dict[str, Login]
    """By slot, as it began."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__()
        self.pace = pace or Pace()
        self.admin = Login(ADMIN, made_up())

    def _end(self) -> None:
        """In order, since a proxy that is to stop asks AWS until it has; the watcher ends what is left."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    def _start(self) -> None:
        self._start_database()
        self.aws = self._start_aws()
        self._given = {
            **self._for_everybody(self._record(), self._placed(self.admin)),
            **self._moved_by_secret(),
            **self._own_parameters(),
        }
        self._start_application()
        self._given |= self._shown()
        self.deployed = deploy(self.aws, BUILD, NAME, self._given)

    # What differs

    def _start_database(self) -> None:
        raise NotImplementedError

    def _own_parameters(self) -> dict[str, str]:
        """Of the template; what they name is made."""
        raise NotImplementedError

    def _shown(self) -> dict[str, str]:
        """How the application shows that it works, where it is not by its endpoint."""
        return {}

    def _place(self) -> Place:
        """Where the application logs in."""
        raise NotImplementedError

    def _turns(self) -> dict[str, str]:
        """What the record says of what takes turns."""
        return {}

    # What is the same

    @property
    def page(self) -> str:
        """Its only page."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        return (self.slot_secret, self.admin_secret, self.application_secret)

    @property
    def used(self) -> Login:
        """What the application is to log in with."""
        return login_of(self.secret(self.application_secret))

    def held(self) -> dict[str, Login]:
        """What each place that the application reads its login from says now."""
        return {"the application's secret": self.used}

    def _record(self) -> dict[str, Any]:
        return {"active_slot": "A", **self._turns(), **{slot: self._placed(login) for slot, login in self.users.items()}}

    def _placed(self, login: Login) -> dict[str, str]:
        server = self.server
        return {**_fields(login), "host": server.host, "port": str(server.port), "dbname": DATABASE}

    def _moved_by_secret(self) -> dict[str, str]:
        others = {**OTHERS, "rotation_usernames": [login.username for login in self.users.values()]}
        self.application = self._create_secret(self.application_secret, {**others, **_fields(self.users["A"])})
        return {
            "SourceKind": self.kind,
            "DatabaseCa": _pem(self.server.ca_pem),
            "ApplicationSecretArn": self.application,
            "ApplicationCacheSeconds": str(self.pace.cache_seconds),
            "OverlapSeconds": str(self.pace.cache_seconds),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
        }

    def _start_application(self) -> None:
        pace, aws = self.pace, self.aws
        settings = Settings(self.application, aws.endpoint, aws.region, self._place(), pace.cache_seconds, pace.lifetime_seconds)
        keys = {"AWS_ACCESS_KEY_ID": "the-application", "AWS_SECRET_ACCESS_KEY": "local"}
        with (self.logs / "application.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.shop.application", json.dumps(asdict(settings))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=REPOSITORY,
                env={**local_only(self.environment), **keys},
                start_new_session=True,  # an interrupt at the terminal is for the one who started all this
            )
        self._ended.callback(_end, process)
        assert process.stdout
        self._port = int(process.stdout.readline())


class Shop(Reader):
    """PostgreSQL behind pgbouncer, which stands for RDS Proxy."""

    kind = POSTGRESQL

    def __init__(self, ring: int = 2, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in SLOTS[:ring]}

    @property
    def proxy_secrets(self) -> dict[str, str]:
        """By slot."""
        return {slot: f"shop/proxy-{slot.lower()}" for slot in self.users}

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        return (*super().secret_names, *self.proxy_secrets.values())

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"PostgreSQL": self.server.version(), "PgBouncer": pgbouncer.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether anybody lets that login in: the database or the proxy, which knows what its secrets say."""
        login = Login(user, password)
        self.proxy.cache.refresh()
        return self.server.accepts(login) or self.proxy.accepts(login, DATABASE)

    def may_hold(self, path: Path) -> bool:
        """What the proxy knows of its secrets; of PostgreSQL's own files all but its log."""
        return path.is_relative_to(self.server.data) or (path.parent == self.proxy.directory and path.stem == "users")

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """Where the server counts statements, and shows those under way."""
        for view in ("pg_stat_statements", "pg_stat_activity"):
            rows = self.server.execute(f"SELECT query FROM {view}")  # noqa: S608 - one of two names
            yield view, "\n".join(str(query) for (query,) in rows).encode()

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(Pooled(self.directory / "postgresql", self.environment, COUNTED))
        self.server.create_admin(self.admin)
        self.server.create_database(DATABASE, OWNER, admin=ADMIN)
        for user in self.users.values():
            self.server.create_user(user, OWNER)
            self.server.execute(f"GRANT {user.username} TO {ADMIN} WITH ADMIN OPTION")
        self.server.execute("CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")
        self.server.log.write_bytes(b"")  # these statements are ours, and have passwords in them; no later one may

    def _own_parameters(self) -> dict[str, str]:
        arns = [self._create_secret(self.proxy_secrets[slot], _fields(user)) for slot, user in self.users.items()]
        look = in_secrets_manager(self.aws.client("secretsmanager"), arns)
        every = self.pace.proxy_seconds
        self.proxy = self._ended.enter_context(Proxy(self.directory / "proxy", self.server, [DATABASE], look, every=every))
        return {
            "Pooled": "true",
            "ProxySecretArns": ",".join(arns),
            "EndpointHost": self.proxy.host,
            "EndpointPort": str(self.proxy.port),
            "EndpointCa": _pem(self.proxy.ca_pem),
        }

    def _place(self) -> Place:
        return Place(self.kind, self.proxy.host, self.proxy.port, DATABASE, self.proxy.ca_pem)


class OneUser(Reader):
    """MySQL without a proxy: one user, two passwords in turn."""

    kind = MYSQL

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(USER, made_up()) for slot in "AB"}

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
        self.server.create_user(self.users["A"], DATABASE)

    def _own_parameters(self) -> dict[str, str]:
        return {}

    def _shown(self) -> dict[str, str]:
        return {"HealthUrl": self.page, "HealthMarker": SHOWN}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, DATABASE, self.server.ca_pem)

    def _turns(self) -> dict[str, str]:
        return {"turns": "values"}


def _fields(login: Login) -> dict[str, str]:
    return {"username": login.username, "password": login.password}


def _pem(text: str) -> str:
    """As a parameter of the template has it."""
    return text.replace("\n", "\\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
