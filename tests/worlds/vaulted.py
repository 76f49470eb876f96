"""The living world of an application that reads its login from a path of a Vault, and goes on for a while with what it has read.

The adapter is the shipped one; each of its requests is a boundary."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from rotation.consumers.keys import Keys
from rotation.consumers.published import LOGIN
from rotation.consumers.vault_kv.adapter import KvPath
from rotation.core.model import Credential, Slot
from rotation.kinds.target import parse_target
from rotation.vault.kv import Place
from rotation.vault.login import Session
from rotation.vault.server import Answer

from tests.worlds.invocation import Invocation, Port, Ports
from tests.worlds.living import SESSION_SECONDS, STALE_SECONDS, LivingWorld, WithoutCluster
from tests.worlds.proxied import OTHERS
from tests.worlds.vault import MOUNT, PATH, TOKEN, Given, KeyValues, MemoryVault, Stored
from tests.worlds.world import RING, TARGET, credential, login

CACHE_SECONDS = 4
"""Less than the quiet period; a request that began with what was read goes on for a moment."""
DESTROYS = "destroy in vault"
NAMES = {"PATCH data": "publish vault", "PATCH metadata": "mark vault", "PUT destroy": DESTROYS, "GET data": "read vault"}


class Kept(NamedTuple):
    """All that there is of the path, as a value."""

    versions: tuple[tuple[str, bool], ...]
    """Each as its text, and whether it is destroyed."""
    custom: tuple[tuple[str, str], ...]

    def said(self, called: Any) -> Any:
        """To be compared: who wrote what matters while that run is at work."""
        marks = [text.partition(" by ") for _, text in self.custom]
        return self.versions, [(version, called(mark)) for version, _, mark in marks]


class LivingVault(MemoryVault):
    """Which remembers what was current before, and what was destroyed last."""

    def __init__(self, world: "VaultWorld", first: Credential) -> None:
        super().__init__(KeyValues())
        self._world = world
        self.held.put({**OTHERS, "username": first.username, "password": first.password.reveal()})
        self.past: tuple[tuple[float, Credential], ...] = ()
        self.destroyed: list[Credential] = []

    @property
    def current(self) -> Credential:
        return _login(self.held.versions[-1].data)

    def older(self) -> list[Credential]:
        """What somebody who may read the path finds beside what is current."""
        return [_login(one.data) for one in self.held.versions[:-1] if not one.destroyed]

    def within(self, seconds: float) -> list[Credential]:
        """What whoever reads it so often may have read last."""
        return [self.current, *(one for ended, one in self.past if self._world.clock - ended <= seconds)]

    def forget(self, seconds: float) -> None:
        """What nobody goes on with any more."""
        self.past = tuple(one for one in self.past if self._world.clock - one[0] <= seconds)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        before, count, custom = self.current, self.held.current, dict(self.held.custom)
        whole = [_login(one.data) if not one.destroyed else None for one in self.held.versions]
        answer = super().ask(method, path, body, token=token, version=version)
        self.destroyed = [
            one for one, now in zip(whole, self.held.versions, strict=False) if one is not None and now.destroyed
        ]  # fmt: skip
        if (count, custom) != (self.held.current, self.held.custom) or self.destroyed:
            with self._world.journal.write(f"{method} {path}"):
                pass
        if self.current != before:
            self.past = (*self.past, (self._world.clock, before))
        return answer

    def kept(self) -> Kept:
        versions = tuple((json.dumps(one.data, sort_keys=True), one.destroyed) for one in self.held.versions)
        return Kept(versions, tuple(sorted(self.held.custom.items())))

    def restore(self, kept: Kept) -> None:
        self.held.versions = [Stored(json.loads(text), destroyed=destroyed) for text, destroyed in kept.versions]
        self.held.custom = dict(kept.custom)
        self.destroyed = []


class Requests:
    """Each of them is a boundary; the login is none, since every call begins with it and it changes nothing."""

    name = MemoryVault.name

    def __init__(self, it: Invocation, vault: LivingVault) -> None:
        self._it, self._vault = it, vault

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        if path.startswith("auth/"):
            return Answer(200, {"auth": {"client_token": TOKEN}})
        what = f"{method} {path.split('/')[1]}"
        answer: Answer = self._it.call(
            Port.VAULT,
            NAMES.get(what, f"{what} of vault"),
            lambda: self._vault.ask(method, path, body, token=token, version=version),
        )
        return answer


class VaultPorts(Ports):
    """The World of one invocation there."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._living: Any = invocation.world

    def traffic(self) -> Any:
        return over(Requests(self._it, self._living.vault))

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str) -> Any:
        return self.traffic()

    def copies(self, index: int) -> Any:
        return self.traffic()

    def looking(self) -> list[Any]:
        return [self.traffic()]

    def files(self) -> list[Any]:
        return []

    def workloads(self) -> list[Any]:
        return []


class VaultWorld(WithoutCluster, LivingWorld):
    """At first the application works as slot A."""

    vault: LivingVault

    def __init__(
        self, *, active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, two_values: bool = False, dual_passwords: bool = True
    ) -> None:
        super().__init__(active=active, ring=ring, two_values=two_values, dual_passwords=dual_passwords)
        self.ports = VaultPorts
        self.target = parse_target(TARGET, json.dumps(DOCUMENT))

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        self.vault = LivingVault(self, login(active))

    def application_uses(self, one: Credential) -> None:
        """From the beginning."""
        self.vault = LivingVault(self, one)

    @property
    def held(self) -> Credential:
        return self.vault.current

    def holdings(self) -> dict[str, Credential]:
        return {"the Vault's path": self.held}

    def published(self, _: str) -> Credential:
        return self.held

    def environments(self) -> tuple[Credential, ...]:
        return ()

    def seen(self) -> list[tuple[float, Credential]]:
        return [(self.clock, self.held), *((ended + STALE_SECONDS, one) for ended, one in self.vault.past)]

    def look_at_sessions(self) -> None:
        self.vault.forget(CACHE_SECONDS + SESSION_SECONDS)
        here = {one.username for one in self._connected()}
        for username, account in self.source.accounts.items():
            account.sessions = int(username in here)

    def _connected(self) -> list[Credential]:
        return list(dict.fromkeys(self.vault.within(CACHE_SECONDS + SESSION_SECONDS)))

    def as_for_long(self) -> None:
        self.vault.past = ()

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic()

    def copies(self, index: int) -> Any:
        return self.traffic()

    def looking(self) -> list[Any]:
        return [self.traffic()]

    def traffic(self) -> Any:
        return over(self.vault)

    def beyond(self) -> tuple[Any, ...]:
        return (self.vault.past, (), None, self.vault.kept())

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.vault.past, _, _, held = kept
        self.vault.restore(held)

    def beyond_key(self) -> Any:
        past = [(self._ago(ended), one.username, one.password.reveal()) for ended, one in self.vault.past]
        return past, self.vault.kept()


def over(server: Any) -> KvPath:
    """The shipped adapter."""
    session = Session(server, Given())
    return KvPath(Place(MOUNT, PATH), Keys(LOGIN), session, session)


def _login(content: Mapping[str, Any]) -> Credential:
    return credential(content["username"], content["password"])


DOCUMENT: dict[str, Any] = {
    "slot_secret": "slots",
    "admin_secret": "admin",
    "source": {"kind": "mysql"},
    "consumers": [
        {
            "kind": "vault-kv",
            "address": "https://vault.example:8200",
            "ca": "-----BEGIN CERTIFICATE-----",
            "mount": MOUNT,
            "path": PATH,
            "login": {"method": "aws", "role": "rotation"},
            "application_cache_seconds": CACHE_SECONDS,
        }
    ],
    "drain": {"quiet_seconds": 20},
    "health": {"url": "https://shop.example/", "marker": "Welcome"},
}
