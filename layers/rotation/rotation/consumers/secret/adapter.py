"""A Kubernetes Secret as a consumer of the credential: what pods get in their environment when they start."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rotation.consumers.cluster.eks import Cluster
from rotation.consumers.keys import Keys
from rotation.consumers.secret.kind import OPENEMR
from rotation.core.errors import ClusterRefused, ConsumerDiffers, SecretInvalid
from rotation.core.model import Credential, Mark, SecretText

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

OPENEMR_PORT = {"mysql-port": "{port}"}
"""Only where it is there already: the image's own manifest has no such key."""


def make(settings: Settings, _: Surroundings) -> KubernetesSecret:
    """As the target names it."""
    return KubernetesSecret(Cluster(settings["cluster"]), settings["namespace"], settings["name"], settings.get("keys"))


class KubernetesSecret:
    """Its keys are those that the target names, or OpenEMR's; it keeps every other."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, keys: Mapping[str, str] | None = None) -> None:
        self._cluster = cluster
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._place = f"Secret {namespace}/{name}"
        self._namespace, self._name = namespace, name
        self._texts = keys

    @property
    def name(self) -> str:
        return self._place

    def allows(self, verb: str) -> bool:
        return self._cluster.allows(verb, "", "secrets", self._namespace, self._name)

    def read(self) -> Credential:
        found = self._cluster.get(self._path)
        if found.get("immutable"):
            raise ClusterRefused(f"{self._place} is immutable: it could never take another credential")
        return self._credential(found.get("data") or {})

    def publish(self, credential: Credential, _: Mark) -> bool:
        """With the resourceVersion that was read: a change in between is a conflict, never overwritten."""
        found = self._cluster.get(self._path)
        before = found.get("data") or {}
        data = {key: _encoded(text) for key, text in self._keys(before).render(credential).items()}
        if data.items() <= before.items():
            return False
        self._cluster.patch(self._path, {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "data": data})
        return True

    def _keys(self, data: Mapping[str, Any]) -> Keys:
        return Keys(self._texts or (OPENEMR | (OPENEMR_PORT if OPENEMR_PORT.keys() <= data.keys() else {})))

    def _credential(self, data: Mapping[str, str]) -> Credential:
        keys = self._keys(data)
        try:
            return keys.read({key: _decoded(data[key]) for key in keys.names})
        except KeyError as error:
            raise ConsumerDiffers(f"{self._place} has no key {error.args[0]}") from None
        except ValueError:
            raise ConsumerDiffers(f"{self._place} holds a value that is not readable") from None
        except SecretInvalid as error:
            raise ConsumerDiffers(f"{self._place}: {error}") from None


def _encoded(text: SecretText) -> str:
    return base64.b64encode(text.reveal().encode()).decode()


def _decoded(value: str) -> SecretText:
    return SecretText(base64.b64decode(value).decode())
