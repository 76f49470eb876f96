"""The Kubernetes Secret as a consumer of the credential, and the Deployment as the workload that restarts."""

import base64
import math
from datetime import datetime
from typing import Any

from rotation.consumers.cluster.eks import Cluster
from rotation.core.errors import ClusterRefused, ConsumerDiffers
from rotation.core.model import Credential, Password
from rotation.core.rollout import ROTATION_ANNOTATION, STARTED_ANNOTATION, Rollout


class KubernetesSecret:
    """Keys mysql-host, mysql-user, mysql-password, mysql-database; mysql-port only if it is there already."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster = cluster
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._place = f"Secret {namespace}/{name}"
        self._namespace, self._name = namespace, name

    @property
    def name(self) -> str:
        return self._place

    def allows(self, verb: str) -> bool:
        return self._cluster.allows(verb, "", "secrets", self._namespace, self._name)

    def read(self) -> Credential:
        found = self._cluster.get(self._path)
        if found.get("immutable"):
            raise ClusterRefused(f"{self._place} is immutable: it could never take another credential")
        return self._credential(found)

    def publish(self, credential: Credential) -> bool:
        """With the resourceVersion that was read: a change in between is a conflict, never overwritten."""
        found = self._cluster.get(self._path)
        data = _encode(credential, found.get("data") or {})
        if all((found.get("data") or {}).get(key) == value for key, value in data.items()):
            return False
        self._cluster.patch(self._path, {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "data": data})
        return True

    def _credential(self, found: dict[str, Any]) -> Credential:
        try:
            values = {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
            return Credential(
                values["mysql-user"],
                Password(values["mysql-password"]),
                values["mysql-host"],
                int(values["mysql-port"]) if "mysql-port" in values else None,
                values["mysql-database"],
            )
        except KeyError as error:
            raise ConsumerDiffers(f"{self._place} has no key {error.args[0]}") from None
        except ValueError:
            raise ConsumerDiffers(f"{self._place} holds a value that is not readable") from None


def _encode(credential: Credential, before: dict[str, str]) -> dict[str, str]:
    values = {
        "mysql-host": credential.host,
        "mysql-user": credential.username,
        "mysql-password": credential.password.reveal(),
        "mysql-database": credential.dbname,
    }
    if "mysql-port" in before:
        values["mysql-port"] = str(credential.port)
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


class Deployment:
    """The application's pods."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster = cluster
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self._place = f"Deployment {namespace}/{name}"
        self._namespace, self._name = namespace, name

    @property
    def name(self) -> str:
        return self._place

    def allows(self, verb: str) -> bool:
        return self._cluster.allows(verb, "apps", "deployments", self._namespace, self._name)

    def restart(self, rotation: str, started: str) -> None:
        found = self._cluster.get(self._path)
        marks = {ROTATION_ANNOTATION: rotation, STARTED_ANNOTATION: started}
        if _annotations(found).items() >= marks.items():
            return
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
            mark=_annotations(found).get(ROTATION_ANNOTATION),
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
