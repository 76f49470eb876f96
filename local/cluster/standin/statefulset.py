"""The StatefulSet controller: pods keep their names, and one at a time is replaced, from the highest ordinal down.

As Kubernetes' own (`updateStatefulSet`) it waits for a pod that is not ready before it does anything else, unless the pods may be
managed in parallel. So a pod that never becomes ready keeps also the next revision from rolling.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.balancer import Balancer
from local.cluster.pod import Pod
from local.cluster.standin.controller import Controller, Machine
from local.cluster.standin.rollout import revision_of
from local.cluster.standin.store import Key, Object


@dataclass(frozen=True)
class Spec:
    replicas: int
    partition: int
    by_hand: bool
    parallel: bool
    template: Object

    @classmethod
    def parse(cls, spec: Object) -> Spec:
        strategy = spec.get("updateStrategy") or {}
        return cls(
            replicas=spec.get("replicas", 1),
            partition=(strategy.get("rollingUpdate") or {}).get("partition", 0),
            by_hand=strategy.get("type") == "OnDelete",
            parallel=spec.get("podManagementPolicy") == "Parallel",
            template=spec["template"],
        )

    @property
    def revision(self) -> str:
        return revision_of(self.template)


class StatefulSets(Controller):
    def __init__(self, machine: Machine, key: Key, balancer: Balancer) -> None:
        super().__init__(machine, key, balancer)
        self._current = self._spec.template

    @property
    def _is_done(self) -> bool:
        new = [pod.ready and pod.revision == self._spec.revision for pod in self.pods]
        return len(new) == self._spec.replicas and all(new)

    def _parse(self, spec: Object) -> None:
        self._spec = Spec.parse(spec)

    def _reconcile(self) -> None:
        if self._is_scaled() and not self._spec.by_hand:
            self._roll()
        if self._is_done and not self._spec.by_hand:
            self._current = self._spec.template

    def _is_scaled(self) -> bool:
        """Each ordinal has its pod, and none is left beyond; else the next thing to do is begun."""
        there = {pod.name: pod for pod in self.pods}
        ending = {pod.name for pod in self._removals}
        for ordinal in range(self._spec.replicas):
            name = self._name(ordinal)
            if name not in there and name not in ending:
                template = self._current if ordinal < self._spec.partition else self._spec.template
                there[name] = self._start(name, template)
            if not self._spec.parallel and (name in ending or not there[name].ready):
                return False
        beyond = [pod for pod in self.pods if _ordinal(pod) >= self._spec.replicas]
        for pod in sorted(beyond, key=_ordinal, reverse=True)[: None if self._spec.parallel else 1]:
            self._remove(pod)
        return not beyond

    def _roll(self) -> None:
        for pod in sorted(self.pods, key=_ordinal, reverse=True):
            if _ordinal(pod) < self._spec.partition:
                return
            if pod.revision != self._spec.revision:
                self._remove(pod)
                return
            if not pod.ready:
                return

    def _status(self) -> Object:
        """Those two are said also where they are zero, as in the real API."""
        ready = sum(pod.ready for pod in self.pods)
        current, update = revision_of(self._current), self._spec.revision
        counts = {
            "readyReplicas": ready,
            "currentReplicas": sum(pod.revision == current for pod in self.pods),
            "updatedReplicas": sum(pod.revision == update for pod in self.pods),
        }
        return {
            "replicas": len(self.pods),
            "availableReplicas": ready,
            **{name: count for name, count in counts.items() if count},
            "currentRevision": f"{self._key.name}-{current}",
            "updateRevision": f"{self._key.name}-{update}",
        }

    def _name(self, ordinal: int) -> str:
        return f"{self._key.name}-{ordinal}"


def _ordinal(pod: Pod) -> int:
    return int(pod.name.rpartition("-")[2])
