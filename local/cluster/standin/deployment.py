"""The Deployment controller."""

from __future__ import annotations

import secrets
import time

from local.balancer import Balancer
from local.cluster.manifests import now
from local.cluster.pod import Pod
from local.cluster.standin import rollout
from local.cluster.standin.controller import Controller, Machine
from local.cluster.standin.store import Key, Object


class Deployments(Controller):
    def __init__(self, machine: Machine, key: Key, balancer: Balancer) -> None:
        self._completed = ""
        self._progress: tuple[str, int, int, int] | None = None
        self._progressed_at = time.monotonic()
        super().__init__(machine, key, balancer)

    @property
    def _is_done(self) -> bool:
        return rollout.is_complete(self._spec, *self._split())

    def _parse(self, spec: Object) -> None:
        self._spec = rollout.Spec.parse(spec)

    def _split(self) -> tuple[list[Pod], list[Pod]]:
        current = [pod for pod in self.pods if pod.revision == self._spec.revision]
        return current, [pod for pod in self.pods if pod.revision != self._spec.revision]

    def _reconcile(self) -> None:
        if self._spec.paused:
            return
        for pod in rollout.surplus(self._spec, *self._split()):
            self._remove(pod)
        for _ in range(rollout.missing(self._spec, *self._split())):
            self._start(f"{self._key.name}-{self._spec.revision}-{secrets.token_hex(3)}", self._spec.template)

    def _status(self) -> Object:
        current, previous = self._split()
        if rollout.is_complete(self._spec, current, previous):
            self._completed = self._spec.revision
        stalled_for = self._stalled_for(current, previous)
        counts = rollout.counts(self._spec, current, previous)
        conditions = [
            rollout.available(self._spec, counts.get("readyReplicas", 0)),
            rollout.progressing(self._spec, self._completed == self._spec.revision, stalled_for),
        ]
        before = self._store.get(self._key).get("status", {}).get("conditions", [])
        return {**counts, "conditions": rollout.dated(before, conditions, now())}

    def _stalled_for(self, current: list[Pod], previous: list[Pod]) -> float:
        ready = sum(pod.ready for pod in self.pods)
        progress = (self._spec.revision, len(current), len(previous), ready)
        if progress != self._progress:
            self._progress = progress
            self._progressed_at = time.monotonic()
        return time.monotonic() - self._progressed_at
