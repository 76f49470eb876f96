"""The Deployment controller and its kubelet: makes the pods what the Deployment says, a while later.

The while is the point. A patch is answered at once, with the status of the rollout *before* it, which says
"complete"; only `observedGeneration` tells. A rollout that is read too early is read as done.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from local.balancer import Balancer
from local.cluster import containers
from local.cluster.manifests import now
from local.cluster.pod import Blueprint, Pod, Probe
from local.cluster.sabotage import Sabotage
from local.cluster.standin import rollout
from local.cluster.standin.store import Key, Object, Store

TICK = 0.2  # seconds; only the progress deadline needs it, everything else wakes the controller


class Controller:
    """`observes_after`: seconds from a change of the Deployment until the controller has seen it."""

    def __init__(  # noqa: PLR0913 - each is another part of the machine
        self,
        store: Store,
        key: Key,
        balancer: Balancer,
        machine: Mapping[str, str],
        logs: Path,
        observes_after: float,
        sabotage: Sabotage,
    ) -> None:
        self.pods: list[Pod] = []
        self.sabotage = sabotage
        self._store = store
        self._key = key
        self._balancer = balancer
        self._machine = machine
        self._logs = logs
        self._observes_after = observes_after
        self._wake = asyncio.Event()
        self._removals: dict[Pod, asyncio.Task[None]] = {}
        self._completed = ""
        self._progress: tuple[str, int, int, int] | None = None
        self._progressed_at = time.monotonic()
        self._observe()
        store.watch(self._on_patch)

    async def run(self) -> None:
        while True:
            self._wake.clear()
            self._reconcile()
            self._report()
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
        deployment = self._store.get(self._key)
        return self._generation == deployment["metadata"]["generation"] and rollout.is_complete(self._spec, *self._split())

    def _on_patch(self, key: Key) -> None:
        if key == self._key:
            asyncio.get_running_loop().call_later(self._observes_after, self._observe)

    def _observe(self) -> None:
        deployment = self._store.get(self._key)
        self._generation = deployment["metadata"]["generation"]
        self._spec = rollout.Spec.parse(deployment["spec"])
        self.sabotage.meet(self._spec.revision, self._spec.template)
        self._wake.set()

    def _split(self) -> tuple[list[Pod], list[Pod]]:
        current = [pod for pod in self.pods if pod.revision == self._spec.revision]
        return current, [pod for pod in self.pods if pod.revision != self._spec.revision]

    def _reconcile(self) -> None:
        if self._spec.paused:
            return
        for pod in rollout.surplus(self._spec, *self._split()):
            self._remove(pod)
        for _ in range(rollout.missing(self._spec, *self._split())):
            self.pods.append(self._new_pod())

    def _remove(self, pod: Pod) -> None:
        """No pod of ours from now on, even while it still drains: so the real status counts it."""
        self.pods.remove(pod)
        removal = asyncio.create_task(pod.remove())
        self._removals[pod] = removal
        removal.add_done_callback(lambda _: self._removals.pop(pod))

    def _new_pod(self) -> Pod:
        spec, revision = self._spec, self._spec.revision
        container = spec.template["spec"]["containers"][0]
        name = f"{self._key.name}-{revision}-{secrets.token_hex(3)}"

        async def environment() -> dict[str, str] | None:
            if self.sabotage.breaks(revision):
                return None
            given = containers.environment(container, self._secrets(containers.secret_names(container)))
            return None if given is None else {**self._machine, **given}

        probe = Probe.parse(container, spec.template)
        blueprint = Blueprint(revision, probe, partial(containers.command, container), environment)
        return Pod(name, blueprint, self._balancer, self._logs / f"{name}.log", self._wake.set)

    def _secrets(self, names: set[str]) -> dict[str, Object]:
        keys = [Key("secrets", self._key.namespace, name) for name in names]
        return {key.name: self._store.get(key) for key in keys if self._store.has(key)}

    def _report(self) -> None:
        current, previous = self._split()
        complete = rollout.is_complete(self._spec, current, previous)
        if complete:
            self._completed = self._spec.revision
        stalled_for = self._stalled_for(current, previous)
        counts = rollout.counts(self._spec, current, previous)
        conditions = [
            rollout.available(self._spec, counts.get("readyReplicas", 0)),
            rollout.progressing(self._spec, self._completed == self._spec.revision, stalled_for),
        ]
        before = self._store.get(self._key).get("status", {}).get("conditions", [])
        status = {
            "observedGeneration": self._generation,
            **counts,
            "conditions": rollout.dated(before, conditions, now()),
        }
        self._store.set_status(self._key, status)

    def _stalled_for(self, current: list[Pod], previous: list[Pod]) -> float:
        ready = sum(pod.ready for pod in self.pods)
        progress = (self._spec.revision, len(current), len(previous), ready)
        if progress != self._progress:
            self._progress = progress
            self._progressed_at = time.monotonic()
        return time.monotonic() - self._progressed_at
