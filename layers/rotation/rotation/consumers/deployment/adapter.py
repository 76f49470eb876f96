"""A Deployment as the workload that restarts: every pod is replaced, and picks up what the consumers before it hold."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rotation.consumers.cluster.eks import Cluster
from rotation.core.rollout import ROTATION_ANNOTATION, STARTED_ANNOTATION, TARGET_ANNOTATION, Rollout

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, here: Surroundings) -> Deployment:
    """As the target names it."""
    return Deployment(Cluster(settings["cluster"]), settings["namespace"], settings["name"], here.target)


class Deployment:
    """The application's pods."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, target: str) -> None:
        self._cluster, self._own = cluster, TARGET_ANNOTATION.format(target)
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self._place = f"Deployment {namespace}/{name}"
        self._namespace, self._name = namespace, name

    @property
    def name(self) -> str:
        return self._place

    def allows(self, verb: str) -> bool:
        return self._cluster.allows(verb, "apps", "deployments", self._namespace, self._name)

    def restart(self, rotation: str, started: str) -> None:
        """Whoever else has restarted it since: a repeated call starts no second rollout."""
        found = self._cluster.get(self._path)
        mark = f"{rotation} {started}"
        if _annotations(found).get(self._own) == mark:
            return
        marks = {ROTATION_ANNOTATION: rotation, STARTED_ANNOTATION: started, self._own: mark}
        self._cluster.patch(
            self._path,
            {
                "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
                "spec": {"template": {"metadata": {"annotations": marks}}},
            },
        )

    def rollout(self) -> Rollout:
        found = self._cluster.get(self._path)
        spec, status = found["spec"], found.get("status") or {}
        exceeded = _exceeded(status)
        return Rollout(
            generation=found["metadata"].get("generation") or 0,
            observed_generation=status.get("observedGeneration") or 0,
            replicas_wanted=spec.get("replicas", 1),
            replicas=status.get("replicas") or 0,
            updated=status.get("updatedReplicas") or 0,
            available=status.get("availableReplicas") or 0,
            deadline_exceeded=exceeded is not None,
            paused=bool(spec.get("paused")),
            mark=_annotations(found).get(self._own, "").partition(" ")[0] or None,
            exceeded_at=math.inf if exceeded is None else _seconds(exceeded.get("lastUpdateTime")),
            recreates=(spec.get("strategy") or {}).get("type") == "Recreate",
        )


def _exceeded(status: dict[str, Any]) -> dict[str, Any] | None:
    """The condition that says so."""
    conditions: list[dict[str, Any]] = status.get("conditions") or []
    said = (c for c in conditions if c.get("type") == "Progressing" and c.get("reason") == "ProgressDeadlineExceeded")
    return next(said, None)


def _seconds(time: str | None) -> float:
    return datetime.fromisoformat(time).timestamp() if time else math.inf


def _annotations(found: dict[str, Any]) -> dict[str, str]:
    return (found["spec"]["template"].get("metadata") or {}).get("annotations") or {}
