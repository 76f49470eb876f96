"""The living world of services whose pods get their login from a Kubernetes Secret when they start, and keep it as long as they
live; beside a path of a Vault, which moves the traffic and which others read."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from rotation.core.model import Credential, Slot
from rotation.kinds.target import parse_target

from tests.worlds.invocation import Consumer, Deployment, Invocation
from tests.worlds.living import LivingPods
from tests.worlds.vaulted import DOCUMENT, VaultPorts, VaultWorld
from tests.worlds.world import RING, TARGET

PATH, SECRET, PODS = range(3)
"""The places of the target's consumers."""


class Replaced(NamedTuple):
    """How many of the environments are those of pods from before the last restart."""

    before: int

    def alike(self, _: float) -> int:
        """To be compared."""
        return self.before


class ServicesPods(LivingPods):
    """Whoever was started before a restart is gone once that is through, and not sooner: one that dies takes no other with it."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self.before = 0
        super().__init__(*given, **more)

    def restart(self, rotation: str, started: str) -> None:
        old, generation = tuple(dict.fromkeys(self.environments)), self._generation
        super().restart(rotation, started)
        if self._generation != generation:
            self.environments, self.before = (*old, self._secret.held), len(old)

    def _started_with(self, credential: Credential) -> None:
        old, since = self.environments[: self.before], self.environments[self.before :]
        self.environments = (*old, *dict.fromkeys((*since, credential)))

    def forget(self) -> None:
        if self._now() - self.changed >= self.rolled_seconds:
            self.environments, self.before = self.environments[self.before :], 0

    def at_work(self) -> Iterator[tuple[float, Credential]]:
        """What each logs in with as long as it lives, and until when at most."""
        ends = self.changed + self.rolled_seconds
        for place, one in enumerate(self.environments):
            yield (ends if place < self.before else self._now(), one)


class PodsPorts(VaultPorts):
    """The World of one invocation there."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._secret = Consumer(invocation, invocation.world.secret)

    def credentials(self) -> list[Any]:
        return [self.traffic(), self._secret]

    def credential(self, index: int, username: str) -> Any:
        return {PATH: self.traffic(), SECRET: self._secret}[index]

    def workload(self, index: int) -> Deployment:
        assert index == PODS
        return Deployment(self._it)

    def workloads(self) -> list[Any]:
        return [Deployment(self._it)]


class PodsWorld(VaultWorld):
    """At first all work as slot A."""

    pods: ServicesPods

    def __init__(
        self, *, active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, two_values: bool = False, dual_passwords: bool = True
    ) -> None:
        super().__init__(active=active, ring=ring, two_values=two_values, dual_passwords=dual_passwords)
        self.ports = PodsPorts
        self.target = parse_target(TARGET, json.dumps(WITH_PODS))

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        super().furnish(active, ring)
        self.pods = ServicesPods(self.pods.name, self.journal, now=self._now, secret=self.secret)

    def application_uses(self, one: Credential) -> None:
        super().application_uses(one)
        self.secret.holds(one)
        self.pods.environments = (self.secret.held,)

    def holdings(self) -> dict[str, Credential]:
        return {**super().holdings(), "the Kubernetes Secret": self.secret.held}

    def published(self, what: str) -> Credential:
        return self.secret.held if what.endswith(self.secret.name) else super().published(what)

    def environments(self) -> tuple[Credential, ...]:
        return self.pods.environments

    def seen(self) -> list[tuple[float, Credential]]:
        """Pods log in with nothing else as long as they live."""
        return [*super().seen(), *self.pods.at_work()]

    def look_at_sessions(self) -> None:
        self.pods.forget()
        super().look_at_sessions()

    def _connected(self) -> list[Credential]:
        return list(dict.fromkeys((*super()._connected(), *map(self._placed, self.pods.environments))))

    def _placed(self, one: Credential) -> Credential:
        """The Secret does not say the port."""
        return one.at_place_of(self.held)

    def as_for_long(self) -> None:
        super().as_for_long()
        self.pods.environments = (self.secret.held,)

    def beyond(self) -> tuple[Any, ...]:
        return (*super().beyond(), Replaced(self.pods.before))

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        *rest, replaced = kept
        super().restore_beyond(tuple(rest))
        self.pods.before = replaced.before

    def beyond_key(self) -> Any:
        return super().beyond_key(), self.pods.before

    def credentials(self) -> list[Any]:
        return [self.traffic(), self.secret]

    def credential(self, index: int, username: str = "") -> Any:
        return {PATH: self.traffic(), SECRET: self.secret}[index]

    def workloads(self) -> list[Any]:
        return [self.pods]

    def workload(self, index: int) -> Any:
        return {PODS: self.pods}[index]

    def cluster_objects(self, kind: str) -> list[Any]:
        return [{"secret": self.secret, "deployment": self.pods}[kind]]


IN_CLUSTER = {"cluster": "c", "namespace": "openemr"}
WITH_PODS: dict[str, Any] = {
    **DOCUMENT,
    "consumers": [
        *DOCUMENT["consumers"],
        {"kind": "secret", **IN_CLUSTER, "name": "db"},
        {"kind": "deployment", **IN_CLUSTER, "name": "openemr"},
    ],
}
