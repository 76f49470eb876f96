"""The living world of an application that reads its login from a secret and comes through a proxy, which reads secrets of its own.

The application goes on with what it read for CACHE_SECONDS, and need not be seen meanwhile: only busy clients keep sessions. The
proxy goes on with a user's old password for PROXY_SECONDS after that user's secret has another. Secrets Manager may rotate the
application's secret; whoever makes such a world says what it does as time passes (`others`).
"""

import json
from typing import Any

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.model import Credential, Slot
from rotation.kinds.target import parse_target

from tests.worlds.living import STALE_SECONDS, LivingWorld, WithoutCluster
from tests.worlds.proxied import APPLICATION, over
from tests.worlds.proxied_ports import Endpoint, ProxiedPorts
from tests.worlds.read_secrets import ApplicationSecret, ReadSecret
from tests.worlds.secret_rotation import RotatedBySecretsManager
from tests.worlds.world import RING, TARGET, USERS, login

CACHE_SECONDS = 40
"""Longer than the quiet period: that nobody was seen for so long does not say that the application has read anew."""
PROXY_SECONDS = 4.0
IDLE_SECONDS = 10.0
"""How long a pooled session stays that nobody uses any more."""


class ProxiedWorld(RotatedBySecretsManager, WithoutCluster, LivingWorld):
    """`kind`: of the database. `rotated_to`: the version to which Secrets Manager is about to rotate the application's secret."""

    proxies: dict[str, ReadSecret]
    """By their users."""

    def __init__(
        self, *, kind: str = "postgresql", active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, rotated_to: str = ""
    ) -> None:
        both = kind == "mysql"
        super().__init__(active=active, ring=ring, dual_passwords=both, counts_logins=both)
        self.ports = ProxiedPorts
        self.target = parse_target(TARGET, json.dumps(_document(kind, ring)))
        if rotated_to:
            self.begin_rotation(rotated_to)

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        self.proxies = {USERS[slot]: ReadSecret(_proxy(USERS[slot]), login(slot), self, f"proxy-{USERS[slot]}") for slot in ring}
        self.application = ApplicationSecret(APPLICATION, login(active), self, "application")
        self.application.created = self.version_created

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
