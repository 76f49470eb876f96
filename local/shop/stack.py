"""An application that reads its login from a secret, with all that it needs: AWS, the secret, the shipped template."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from local.mysql import Login
from local.running import Running
from local.shop.application import Settings
from local.shop.databases import Place
from local.shop.process import end, start

DATABASE, ADMIN = "shop", "master"
SHOWN = "Your Clinic Name Here"
"""What is in the database, and so in the application's page."""
OTHERS = {"rotation_type": "application", "a key of somebody else": [1, None]}
"""What the application's secret holds besides; nobody of us changes it."""


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


class Server(Protocol):
    """Of any kind."""

    host: str
    port: int
    ca_pem: str


class Reader(Running):
    """What the two have in common: the application and its secret."""

    slot_secret, admin_secret, target = "shop/slots", "shop/admin", "shop"
    application_secret = "shop/application"
    kind: str
    database = DATABASE
    """What a login says besides of where it belongs."""
    server: Server
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
            **self._paced(),
            **self._moved_by_secret(),
            **self._own_parameters(),
        }
        self._start_application()
        self._given |= self._shown()
        if not self.by_hand:
            self.deploy()

    # What differs

    def _start_database(self) -> None:
        raise NotImplementedError

    def _own_parameters(self) -> dict[str, str]:
        """Of the template; what they name is made."""
        raise NotImplementedError

    def _shown(self) -> dict[str, str]:
        """How the application shows that it works, where it is not by its endpoint."""
        return {}

    def _others(self) -> dict[str, Any]:
        """What else the application's secret holds of what it is about."""
        return {"rotation_usernames": [login.username for login in self.users.values()]}

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
        return {**fields(login), "host": server.host, "port": str(server.port), "dbname": self.database}

    def _moved_by_secret(self) -> dict[str, str]:
        """The application's login, and what of it the template is told."""
        others = {**OTHERS, **self._others()}
        self.application = self._create_secret(self.application_secret, {**others, **fields(self.users["A"])})
        return {"ApplicationSecretArn": self.application, "ApplicationCacheSeconds": str(self.pace.cache_seconds)}

    def _paced(self) -> dict[str, str]:
        return {
            "SourceKind": self.kind,
            "DatabaseCa": pem_parameter(self.server.ca_pem),
            "OverlapSeconds": str(self.pace.cache_seconds),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
        }

    def _vault(self) -> str:
        """How the application reads its login, where that is not in its secret."""
        return ""

    def _appliance(self) -> str:
        """Or where an appliance gives it out."""
        return ""

    def _start_application(self) -> None:
        pace, aws = self.pace, self.aws
        settings = Settings(
            *(self.application, aws.endpoint, aws.region, self._place(), pace.cache_seconds, pace.lifetime_seconds),
            vault=self._vault(),
            appliance=self._appliance(),
        )
        process, self._port = start(asdict(settings), self.environment, self.logs / "application.log")
        self._ended.callback(end, process)


def fields(login: Login) -> dict[str, str]:
    return {"username": login.username, "password": login.password}


def pem_parameter(text: str) -> str:
    """As a parameter of the template has it."""
    return text.replace("\n", "\\n")
