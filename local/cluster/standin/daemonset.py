"""The DaemonSet controller: a pod for each node, and no more than maxUnavailable of them away at once. It knows no maxSurge."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass

from local.balancer import Balancer
from local.cluster.pod import Pod
from local.cluster.standin.controller import Controller, Machine
from local.cluster.standin.rollout import revision_of
from local.cluster.standin.store import Key, Object

NODES = ("node-1", "node-2")
"""None of them has a label: a pod that selects one by a label runs nowhere."""


@dataclass(frozen=True)
class Spec:
    nodes: tuple[str, ...]
    unavailable: int
    by_hand: bool
    template: Object

    @classmethod
    def parse(cls, spec: Object) -> Spec:
        strategy = spec.get("updateStrategy") or {}
        nodes = () if spec["template"]["spec"].get("nodeSelector") else NODES
        unavailable = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
        if isinstance(unavailable, str):
            unavailable = math.ceil(len(nodes) * int(unavailable.removesuffix("%")) / 100)
        return cls(nodes, unavailable, strategy.get("type") == "OnDelete", spec["template"])

    @property
    def revision(self) -> str:
        return revision_of(self.template)


class DaemonSets(Controller):
    def __init__(self, machine: Machine, key: Key, balancer: Balancer) -> None:
        self._nodes: dict[Pod, str] = {}
        super().__init__(machine, key, balancer)

    @property
    def _is_done(self) -> bool:
        new = [pod.ready and pod.revision == self._spec.revision for pod in self.pods]
        return len(new) == len(self._spec.nodes) and all(new)

    def _parse(self, spec: Object) -> None:
        self._spec = Spec.parse(spec)

    def _reconcile(self) -> None:
        taken = {self._nodes[pod] for pod in [*self.pods, *self._removals]}
        for node in self._spec.nodes:
            if node not in taken:
                pod = self._start(f"{self._key.name}-{secrets.token_hex(3)}", self._spec.template)
                self._nodes[pod] = node
        for pod in [pod for pod in self.pods if self._nodes[pod] not in self._spec.nodes]:
            self._remove(pod)
        if not self._spec.by_hand:
            self._roll()

    def _roll(self) -> None:
        """Old ones that serve nobody go at once."""
        old = [pod for pod in self.pods if pod.revision != self._spec.revision]
        away = len(self._spec.nodes) - sum(pod.ready for pod in self.pods)
        serving = [pod for pod in old if pod.ready]
        for pod in [pod for pod in old if not pod.ready] + serving[: max(0, self._spec.unavailable - away)]:
            self._remove(pod)

    def _status(self) -> Object:
        """Four are said also where they are zero, as in the real API."""
        wanted, ready = len(self._spec.nodes), sum(pod.ready for pod in self.pods)
        counts = {
            "updatedNumberScheduled": sum(pod.revision == self._spec.revision for pod in self.pods),
            "numberAvailable": ready,
            "numberUnavailable": wanted - ready,
        }
        return {
            "currentNumberScheduled": len(self.pods),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": wanted,
            "numberReady": ready,
            **{name: count for name, count in counts.items() if count},
        }
