"""The living world of an application that reads its login from a secret and comes through a proxy, which reads secrets of its own.

The application goes on with what it read for CACHE_SECONDS, and need not be seen meanwhile: only busy clients keep sessions. The
proxy goes on with a user's old password for PROXY_SECONDS after that user's secret has another. Secrets Manager may rotate the
application's secret; whoever makes such a world says what it does as time passes (`others`).
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.model import PENDING, Credential, Slot
from rotation.core.seen import Ran
from rotation.kinds.target import parse_target

from local import secret_labels as aws
from tests.worlds.living import ARN, STALE_SECONDS, LivingWorld, WithoutCluster
from tests.worlds.proxied import APPLICATION, over
from tests.worlds.proxied_ports import Endpoint, ProxiedPorts
from tests.worlds.read_secrets import ApplicationSecret, ReadSecret
from tests.worlds.world import RING, TARGET, USERS, login

CACHE_SECONDS = 40
"""Longer than the quiet period: that nobody was seen for so long does not say that the application has read anew."""
PROXY_SECONDS = 4.0
IDLE_SECONDS = 10.0
"""How long a pooled session stays that nobody uses any more."""
MOST_EXECUTIONS = 2
"""So many Secrets Manager has started for one version, then it gives up."""


@dataclass(frozen=True)
class Rotation:
    """Secrets Manager's, of the application's secret."""

    token: str
    step: int = 0
    """Of the four: which comes next."""
    started: str = ""
    """The execution that was started for it last, where that has not begun yet."""
    executions: int = 0
    ended: bool = False
    """Complete, abandoned or given up: it calls no more, and a call that is still at work may act."""


class ProxiedWorld(WithoutCluster, LivingWorld):
    """`kind`: of the database. `rotated_to`: the version to which Secrets Manager is about to rotate the application's secret."""

    proxies: dict[str, ReadSecret]
    """By their users."""
    application: ApplicationSecret
    rotation: Rotation | None = None
    abandons = True
    """Whether Secrets Manager gives up its rotation when somebody else puts a version: AWS says so, and not when it looks."""

    def __init__(
        self, *, kind: str = "postgresql", active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, rotated_to: str = ""
    ) -> None:
        both = kind == "mysql"
        super().__init__(active=active, ring=ring, dual_passwords=both, counts_logins=both)
        self.ports = ProxiedPorts
        self.target = parse_target(TARGET, json.dumps(_document(kind, ring)))
        if rotated_to:
            aws.reserve(self.application.versions, rotated_to)
            self.rotation = Rotation(rotated_to)

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        self.proxies = {USERS[slot]: ReadSecret(_proxy(USERS[slot]), login(slot), self, f"proxy-{USERS[slot]}") for slot in ring}
        self.application = ApplicationSecret(APPLICATION, login(active), self, "application")
        self.application.created = self._created

    # What the application does, and what is seen of it.

    @property
    def held(self) -> Credential:
        return self.application.held

    def holdings(self) -> dict[str, Credential]:
        return {"the application's secret": self.held}

    def environments(self) -> tuple[Credential, ...]:
        return ()

    def gets_in(self, one: Credential) -> bool:
        """Through the proxy."""
        return self.proxy_knows(one) and self.accepts(one)

    def proxy_knows(self, one: Credential) -> bool:
        """As that user's secret was a while ago."""
        secret = self.proxies.get(one.username)
        return secret is not None and next(iter(secret.past), (0.0, secret.held))[1].same_login(one)

    def reads_published(self) -> tuple[ReadSecret, ...]:
        return (self.application, *self.proxies.values())

    def seen(self) -> list[tuple[float, Credential]]:
        return [(self.clock, self.held), *((ended + STALE_SECONDS, one) for ended, one in self.application.past)]

    def look_at_sessions(self) -> None:
        self.application.forget(CACHE_SECONDS)
        for secret in self.proxies.values():
            secret.forget(PROXY_SECONDS)
        here = {one.username for one in self.application.within(STALE_SECONDS + IDLE_SECONDS)}
        for username, account in self.source.accounts.items():
            account.sessions = int(username in here)

    def _connected(self) -> list[Credential]:
        """Or about to be: whoever has read it so long ago may log in with it now."""
        return list(dict.fromkeys(self.application.within(CACHE_SECONDS)))

    def as_for_long(self) -> None:
        for secret in (self.application, *self.proxies.values()):
            secret.past = ()

    # What there is to be looked at and changed.

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic() if self.target.consumers[index].traffic else over(self.proxies[username], PublishedSecret)

    def keepers(self, username: str) -> list[Any]:
        return [over(self.proxies[username], PublishedSecret)]

    def traffic(self) -> Any:
        return over(self.application, PublishedSecret)

    @property
    def endpoint(self) -> "Endpoint":  # type: ignore[override]
        return Endpoint(self.gets_in)

    @property
    def rotated(self) -> Any:
        return over(self.application, RotatedSecret)

    # What Secrets Manager does, and executions that it has started.

    def _created(self, version: str) -> None:
        """Somebody else's version makes it abandon its rotation."""
        if self.rotates and self.abandons and version != self.rotates.token:
            if aws.holder_of(self.application.versions, PENDING) == self.rotates.token:
                aws.move(self.application.versions, PENDING, None, self.rotates.token)
            self.end_rotation()

    @property
    def rotates(self) -> Rotation | None:
        """What Secrets Manager still calls for."""
        return None if self.rotation is None or self.rotation.ended else self.rotation

    def end_rotation(self) -> None:
        """It calls no more."""
        self.rotation = self.rotation and replace(self.rotation, ended=True)

    def begins(self, number: int) -> tuple[str, dict[str, str]]:
        """Secrets Manager's, if it has started one; else somebody's who starts one by hand."""
        if self.rotates and not self.rotates.started and self.others:
            self.others(self)
        if not (self.rotation and self.rotation.started):
            self.end_rotation()
            return super().begins(number)
        name, self.rotation = self.rotation.started, replace(self.rotation, started="", executions=self.rotation.executions + 1)
        return name, {"secret_version": self.rotation.token}

    def execution(self, name: str) -> Ran | None:
        number = int(name.rpartition("-")[2])
        rotation = self.rotation
        if rotation is None or not (number <= rotation.executions or name == rotation.started):
            return None
        return Ran(ARN + name, ARN + name in self.alive or name == rotation.started, "ended", "")

    def start(self, name: str, given: dict[str, str]) -> str:
        assert self.rotation
        if self.rotation.executions == MOST_EXECUTIONS:
            return "LimitExceeded"
        self.rotation = replace(self.rotation, started=name)
        return ""

    # To be kept and compared.

    def beyond(self) -> tuple[Any, ...]:
        return (self.application.past, tuple(one.past for one in self.proxies.values()), self.rotation)

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.application.past, proxies, self.rotation = kept
        for secret, past in zip(self.proxies.values(), proxies, strict=True):
            secret.past = past

    def beyond_key(self) -> Any:
        pasts = [
            [(self._ago(ended), _text(one)) for ended, one in secret.past] for secret in (self.application, *self.proxies.values())
        ]
        return pasts, self.rotation


def _proxy(username: str) -> str:
    """Its ARN."""
    return APPLICATION.replace("application", f"proxy-{username}")


def _document(kind: str, ring: tuple[Slot, ...]) -> dict[str, Any]:
    return {
        "slot_secret": "slots",
        "admin_secret": "admin",
        "source": {"kind": kind},
        "consumers": [
            {"kind": "proxy-secret", "secrets": [_proxy(USERS[slot]) for slot in ring]},
            {"kind": "app-secret", "secret": APPLICATION, "application_cache_seconds": CACHE_SECONDS},
        ],
        "endpoint": {"host": "proxy.example", "port": 5432},
        "drain": {"quiet_seconds": 20},
        "health": {"url": "https://shop.example/health", "marker": "database: up"},
    }


def _text(one: Credential) -> tuple[str, str]:
    return one.username, one.password.reveal()
