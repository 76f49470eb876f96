"""What every controller of the stand-in is, with its kubelet: it makes the pods what the workload says, a while later.

The while is the point. A patch is answered at once, with the status of the rollout *before* it, which says
"complete"; only `observedGeneration` tells. A rollout that is read too early is read as done.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.balancer import Balancer
from local.cluster import containers
from local.cluster.pod import Blueprint, Pod, Probe
from local.cluster.sabotage import Sabotage
from local.cluster.standin.rollout import revision_of
from local.cluster.standin.store import Key, Object, Store

TICK = 0.2  # seconds; only a progress deadline needs it, everything else wakes the controller


@dataclass(frozen=True)
class Machine:
    """What all controllers have in common. `observes_after`: seconds from a change of the workload until it is seen."""

    store: Store
    given: Mapping[str, str]
    logs: Path
    observes_after: float
    sabotage: Sabotage


class Controller(ABC):
    """Of one workload. `pods` are those that are not being deleted."""

    def __init__(self, machine: Machine, key: Key, balancer: Balancer) -> None:
        self.pods: list[Pod] = []
        self._machine, self._store, self._key, self._balancer = machine, machine.store, key, balancer
        self._wake = asyncio.Event()
        self._removals: dict[Pod, asyncio.Task[None]] = {}
        self._observe()
        self._store.watch(self._on_patch)

    @abstractmethod
    def _parse(self, spec: Object) -> None:
        """Take what is wanted from now on."""

    @abstractmethod
    def _reconcile(self) -> None:
        """Delete and make the pods that may be now."""

    @abstractmethod
    def _status(self) -> Object:
        """What it says, without the generation."""

    @property
    @abstractmethod
    def _is_done(self) -> bool:
        """Whether every pod is as wanted, and ready."""

    async def run(self) -> None:
        while True:
            self._wake.clear()
            self._reconcile()
            self._store.set_status(self._key, {"observedGeneration": self._generation, **self._status()})
            try:
                await asyncio.wait_for(self._wake.wait(), TICK)
            except TimeoutError:
                continue

    def kill(self) -> None:
        """The end of the cluster: every pod at once, the draining ones too."""
        for pod in [*self.pods, *self._removals]:
            pod.kill()

    @property
    def is_complete(self) -> bool:
        """As the controller knows it; the API says so a while later."""
        return self._generation == self._store.get(self._key)["metadata"]["generation"] and self._is_done

    def _on_patch(self, key: Key) -> None:
        if key == self._key:
            asyncio.get_running_loop().call_later(self._machine.observes_after, self._observe)

    def _observe(self) -> None:
        found = self._store.get(self._key)
        self._generation = found["metadata"]["generation"]
        template = found["spec"]["template"]
        self._parse(found["spec"])
        self._machine.sabotage.meet(revision_of(template), template)
        self._wake.set()

    def _remove(self, pod: Pod) -> None:
        """No pod of ours from now on, even while it still drains: so the real status counts it."""
        self.pods.remove(pod)
        removal = asyncio.create_task(pod.remove())
        self._removals[pod] = removal
        removal.add_done_callback(lambda _: self._removed(pod))

    def _removed(self, pod: Pod) -> None:
        self._removals.pop(pod)
        self._wake.set()

    def _start(self, name: str, template: Object) -> Pod:
        revision, container = revision_of(template), template["spec"]["containers"][0]

        async def environment() -> dict[str, str] | None:
            if self._machine.sabotage.breaks(revision):
                return None
            given = containers.environment(container, self._secrets(containers.secret_names(container)))
            return None if given is None else {**self._machine.given, **given}

        probe = Probe.parse(container, template)
        blueprint = Blueprint(revision, probe, partial(containers.command, container), environment)
        pod = Pod(name, blueprint, self._balancer, self._machine.logs / f"{name}.log", self._wake.set)
        self.pods.append(pod)
        return pod

    def _secrets(self, names: set[str]) -> dict[str, Object]:
        keys = [Key("secrets", self._key.namespace, name) for name in names]
        return {key.name: self._store.get(key) for key in keys if self._store.has(key)}
