"""The living world of WordPress on instances: each reads its login in its own file, and boots with the application's secret."""

import json
from typing import Any

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.model import Credential, Slot
from rotation.kinds.target import parse_target

from tests.worlds.fleet import BOOT_SECONDS, Fleet
from tests.worlds.invocation import FleetCalls
from tests.worlds.living import SESSION_SECONDS, STALE_SECONDS, LivingWorld, WithoutCluster
from tests.worlds.proxied import APPLICATION, over
from tests.worlds.read_secrets import ApplicationSecret
from tests.worlds.secret_rotation import CalledPorts, RotatedBySecretsManager, SecretPorts
from tests.worlds.world import RING, TARGET, login

FLEET, TRAFFIC = 0, 1
"""The consumers' places in the target's list."""


class FleetPorts(SecretPorts, CalledPorts):
    """The World of one invocation there."""

    def fleet(self, index: int) -> FleetCalls:
        return FleetCalls(self._it, self._living.instances)

    def fleets(self) -> list[FleetCalls]:
        return [self.fleet(FLEET)]


class WordPressWorld(RotatedBySecretsManager, WithoutCluster, LivingWorld):
    """At first two instances work as slot A. `rotated_to`: the version to which Secrets Manager is about to rotate the secret."""

    instances: Fleet

    def __init__(
        self,
        *,
        active: Slot = Slot.A,
        ring: tuple[Slot, ...] = RING,
        two_values: bool = False,
        boot_seconds: float = BOOT_SECONDS,
        rotated_to: str = "",
    ) -> None:
        super().__init__(active=active, ring=ring, two_values=two_values)
        self.ports = FleetPorts
        slowest = int(boot_seconds) + 2
        self.instances.boot_seconds, self.instances.slowest_boot_seconds = boot_seconds, slowest
        self.target = parse_target(TARGET, json.dumps(_document(slowest)))
        if rotated_to:
            self.begin_rotation(rotated_to)

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        first = login(active)
        self.application = ApplicationSecret(APPLICATION, first, self, "application")
        self.application.created = self.version_created
        self.instances = Fleet(self.application, self.journal, self.now, first)

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        self.instances.pass_time()
        self.look_at_sessions()

    # What the application does, and what is seen of it.

    @property
    def held(self) -> Credential:
        return self.application.held

    def uses(self, one: Credential) -> None:
        """As if it had been so for long."""
        version = self.application.versions[self.application.labels().current]
        told = {"username": one.username, "password": one.password.reveal()}
        version["secret_string"] = json.dumps(json.loads(version["secret_string"]) | told)
        for machine in self.instances.machines:
            self.instances.change(machine.id, holds=one)

    def holdings(self) -> dict[str, Credential]:
        return {"the application's secret": self.held} | {one.id: one.holds for one in self.instances.serving}

    def environments(self) -> tuple[Credential, ...]:
        return ()

    def reads_published(self) -> tuple[ApplicationSecret, ...]:
        return (self.application,)

    def seen(self) -> list[tuple[float, Credential]]:
        files = dict.fromkeys(one.holds for one in self.instances.serving)
        return [*((self.clock, one) for one in files), *((ended + STALE_SECONDS, one) for ended, one in self.instances.past)]

    def look_at_sessions(self) -> None:
        kept = STALE_SECONDS + SESSION_SECONDS
        self.instances.past = tuple(one for one in self.instances.past if self.clock - one[0] <= kept)
        self.application.forget(0.0)
        here = {one.username for one in self._connected()}
        for username, account in self.source.accounts.items():
            account.sessions = int(username in here)

    def _connected(self) -> list[Credential]:
        return list(dict.fromkeys([*(one.holds for one in self.instances.serving), *(one for _, one in self.instances.past)]))

    def heal(self) -> None:
        super().heal()
        for one in self.instances.machines:
            self.instances.change(one.id, silent_until=0.0)

    def as_for_long(self) -> None:
        self.application.past, self.instances.past = (), ()

    # What there is to be looked at and changed.

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic()

    def traffic(self) -> Any:
        return over(self.application, PublishedSecret)

    @property
    def rotated(self) -> Any:
        return over(self.application, RotatedSecret)

    def fleet(self, index: int) -> Fleet:
        return self.instances

    def fleets(self) -> list[Any]:
        return [self.instances]

    # To be kept and compared.

    def beyond(self) -> tuple[Any, ...]:
        return (self.application.past, (), self.rotation, self.instances.state())

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.application.past, _, self.rotation, fleet = kept
        self.instances.restore(fleet)

    def beyond_key(self) -> Any:
        past = [(self._ago(ended), one.username) for ended, one in self.application.past]
        return self.instances.key(lambda mark: mark), past, self.rotation


def _document(slowest_boot_seconds: int) -> dict[str, Any]:
    told = {"app": "openemr", "document": "rewrite-wp-config", "slowest_boot_seconds": slowest_boot_seconds}
    return {
        "slot_secret": "slots",
        "admin_secret": "admin",
        "source": {"kind": "mysql"},
        "consumers": [
            {"kind": "wp-config", **told},
            {"kind": "app-secret", "secret": APPLICATION, "application_cache_seconds": 0},
        ],
        "drain": {"quiet_seconds": 20},
        "health": {"url": "https://blog.example/", "marker": "Just another"},
        "overlap_seconds": 0,
        "rollout": {"deadline_seconds": 30},
    }
