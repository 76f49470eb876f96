"""What the Deployment controller decides and reports; pure, so the rules can be read next to Kubernetes' own.

`current` are the pods of the newest template, `previous` all others; a pod that is being deleted is neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Object = dict[str, Any]

DEFAULT_DEADLINE = 600.0  # seconds, as Kubernetes has it


class Readiness(Protocol):
    @property
    def ready(self) -> bool: ...


P = TypeVar("P", bound=Readiness)


def revision_of(template: Object) -> str:
    """The same template is the same revision: going back to it starts no second one."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Spec:
    """The part of a Deployment's spec that decides a rollout."""

    replicas: int
    surge: int
    unavailable: int
    deadline: float
    paused: bool
    template: Object

    @classmethod
    def parse(cls, spec: Object) -> Spec:
        rolling = spec.get("strategy", {}).get("rollingUpdate", {})
        return cls(
            replicas=spec.get("replicas", 1),
            surge=rolling.get("maxSurge", 1),
            unavailable=rolling.get("maxUnavailable", 0),
            deadline=spec.get("progressDeadlineSeconds", DEFAULT_DEADLINE),
            paused=bool(spec.get("paused")),
            template=spec["template"],
        )

    @property
    def revision(self) -> str:
        return revision_of(self.template)


def missing(spec: Spec, current: Sequence[Readiness], previous: Sequence[Readiness]) -> int:
    """How many new pods may be started now without exceeding replicas + maxSurge."""
    room = spec.replicas + spec.surge - len(current) - len(previous)
    return max(0, min(spec.replicas - len(current), room))


def surplus(spec: Spec, current: Sequence[P], previous: Sequence[P]) -> list[P]:
    """Which pods may go now: old ones that serve nobody first, never below replicas - maxUnavailable."""
    excess = sorted(current, key=lambda pod: not pod.ready)[spec.replicas :]
    floor = spec.replicas - spec.unavailable
    unready_new = sum(not pod.ready for pod in current)
    spare = max(0, len(current) + len(previous) - floor - unready_new)
    broken = [pod for pod in previous if not pod.ready][:spare]
    ready = [pod for pod in previous if pod.ready]
    served = len(ready) + len(current) - unready_new
    return excess + broken + ready[: max(0, served - floor)]


def is_complete(spec: Spec, current: Sequence[Readiness], previous: Sequence[Readiness]) -> bool:
    return not previous and len(current) == spec.replicas == sum(pod.ready for pod in current)


def counts(spec: Spec, current: Sequence[Readiness], previous: Sequence[Readiness]) -> Object:
    """A zero is left out, as in the real API: readers that expect the key must notice here."""
    ready = sum(pod.ready for pod in [*current, *previous])
    numbers = {
        "replicas": len(current) + len(previous),
        "updatedReplicas": len(current),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, spec.replicas - ready, len(current) + len(previous) - ready),
    }
    return {name: number for name, number in numbers.items() if number}


def available(spec: Spec, ready: int) -> Object:
    if ready >= spec.replicas - spec.unavailable:
        return _condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    message = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", message)


def progressing(spec: Spec, complete: bool, stalled_for: float) -> Object:
    """A revision that was once complete never exceeds its deadline, whatever its pods do later."""
    name = f'ReplicaSet "{spec.revision}"'
    if complete:
        message = f"{name} has successfully progressed."
        return _condition("Progressing", "True", "NewReplicaSetAvailable", message)
    if spec.paused:
        return _condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if stalled_for > spec.deadline:
        message = f"{name} has timed out progressing."
        return _condition("Progressing", "False", "ProgressDeadlineExceeded", message)
    return _condition("Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing.")


def dated(old: Sequence[Object], new: Sequence[Object], now: str) -> list[Object]:
    """Keep a condition's times while it says the same, so that a quiet Deployment is not written again."""
    before = {condition["type"]: condition for condition in old}
    return [_dated(before.get(condition["type"], {}), condition, now) for condition in new]


def _dated(old: Object, new: Object, now: str) -> Object:
    if old.items() >= new.items():
        return old
    same = old.get("status") == new["status"]
    return {**new, "lastUpdateTime": now, "lastTransitionTime": old["lastTransitionTime"] if same else now}


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}
