"""The objects of the API with what the steps rely on: resourceVersion, generation, merge patches.

One thread serves everything here, so an object is read and replaced in one go and needs no lock.
"""

from __future__ import annotations

import base64
import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.cluster.manifests import now
from local.cluster.standin import validation
from local.cluster.standin.errors import bad_request, conflict, not_found

Object = dict[str, Any]

_SERVERS_OWN = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")


@dataclass(frozen=True)
class Key:
    """`kind` as in the path: secrets, deployments, statefulsets, daemonsets."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}"'


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


class Store:
    def __init__(self) -> None:
        self._objects: dict[Key, Object] = {}
        self._version = 1000
        self._watchers: list[Callable[[Key], None]] = []

    def watch(self, on_change: Callable[[Key], None]) -> None:
        """Told of every change but those of a status."""
        self._watchers.append(on_change)

    def create(self, kind: str, manifest: Object) -> Key:
        new = _fold_string_data(copy.deepcopy(manifest))
        key = Key(kind, new["metadata"]["namespace"], new["metadata"]["name"])
        validation.check(str(key), {}, new)
        new["metadata"]["uid"] = str(uuid.uuid4())
        new["metadata"]["creationTimestamp"] = now()
        if "spec" in new:
            new["metadata"]["generation"] = 1
        self._put(key, new)
        self._tell(key)
        return key

    def delete(self, key: Key) -> None:
        del self._objects[key]

    def has(self, key: Key) -> bool:
        return key in self._objects

    def get(self, key: Key) -> Object:
        if key not in self._objects:
            raise not_found(str(key))
        return copy.deepcopy(self._objects[key])

    def patch(self, key: Key, patch: Object) -> Object:
        """Nothing changed is nothing written: the same patch twice is one rollout."""
        old = self.get(key)
        merged = merge(old, patch)
        validation.check_shape(merged)
        _check_preconditions(key, old, patch)
        new = _fold_string_data(merged)
        new["metadata"] |= {name: old["metadata"][name] for name in _SERVERS_OWN if name in old["metadata"]}
        new |= {name: old[name] for name in ("kind", "apiVersion", "status") if name in old}
        validation.check(str(key), old, new)
        if new != old:
            if "spec" in old and _counted(new) != _counted(old):
                new["metadata"]["generation"] += 1
            self._put(key, new)
            self._tell(key)
        return self.get(key)

    def _tell(self, key: Key) -> None:
        for watcher in self._watchers:
            watcher(key)

    def set_status(self, key: Key, status: Object) -> None:
        """The controller's own path; it counts as a change, so it invalidates a resourceVersion."""
        current = self._objects[key]
        if current.get("status") != status:
            self._put(key, {**current, "status": copy.deepcopy(status)})

    def _put(self, key: Key, new: Object) -> None:
        self._version += 1
        new["metadata"] = {**new["metadata"], "resourceVersion": str(self._version)}
        self._objects[key] = new


def _counted(workload: Object) -> tuple[Object, Object]:
    """What a generation counts: of a Deployment the annotations too, though no pod changes with them."""
    annotations = workload["metadata"].get("annotations") if workload["kind"] == "Deployment" else None
    return workload["spec"], annotations or {}


def _check_preconditions(key: Key, old: Object, patch: Object) -> None:
    metadata = patch.get("metadata") or {}
    for name in ("name", "namespace"):
        if metadata.get(name, old["metadata"][name]) != old["metadata"][name]:
            raise bad_request(f"the {name} of the object does not match the {name} on the URL")
    for name in ("uid", "resourceVersion"):
        if metadata.get(name) and metadata[name] != old["metadata"][name]:
            raise conflict(str(key))


def _fold_string_data(secret: Object) -> Object:
    """stringData is write-only: it is encoded into data and never read back."""
    plain = secret.pop("stringData", None) or {}
    if plain:
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in plain.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}
    return secret
