"""A Kubernetes Secret as a consumer of the credential: what pods get in their environment when they start."""

import base64
from typing import Any

from rotation.consumers.cluster.eks import Cluster
from rotation.core.errors import ClusterRefused, ConsumerDiffers
from rotation.core.model import Credential, Password
from rotation.kinds.kind import Settings
from rotation.ports import Surroundings


def make(settings: Settings, _: Surroundings) -> "KubernetesSecret":
    """As the target names it."""
    return KubernetesSecret(Cluster(settings["cluster"]), settings["namespace"], settings["name"])


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
