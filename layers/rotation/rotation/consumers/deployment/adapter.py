"""A workload that restarts: every pod is replaced, and picks up what the consumers before it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.consumers.cluster.eks import Cluster
from rotation.consumers.deployment.sorts import DEPLOYMENT, SORTS
from rotation.core.rollout import ROTATION_ANNOTATION, STARTED_ANNOTATION, TARGET_ANNOTATION

if TYPE_CHECKING:
    from rotation.core.rollout import Rollout
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, here: Surroundings) -> Workload:
    """As the target names it."""
    cluster, namespace = Cluster(settings["cluster"]), settings["namespace"]
    return Workload(cluster, namespace, settings["name"], here.target, settings["workload"])


class Workload:
    """The application's pods."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, target: str, sort: str = DEPLOYMENT) -> None:
        self._cluster, self._own, self._sort = cluster, TARGET_ANNOTATION.format(target), SORTS[sort]
        self._path = f"/apis/apps/v1/namespaces/{namespace}/{self._sort.resource}/{name}"
        self._place = f"{sort} {namespace}/{name}"
        self._namespace, self._name = namespace, name

    @property
    def name(self) -> str:
        return self._place

    def allows(self, verb: str) -> bool:
        return self._cluster.allows(verb, "apps", self._sort.resource, self._namespace, self._name)

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
        return self._sort.rollout(found, _annotations(found).get(self._own, "").partition(" ")[0] or None)


def _annotations(found: dict[str, Any]) -> dict[str, str]:
    return (found["spec"]["template"].get("metadata") or {}).get("annotations") or {}
