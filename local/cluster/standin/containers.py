"""What the kubelet gives a container: its environment as the API says it at the moment of the start."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from local.cluster.standin.errors import Refusal
from local.cluster.standin.store import Key, Store


def environment(store: Store, namespace: str, container: Mapping[str, Any]) -> dict[str, str] | None:
    """None if a Secret or a key of it is missing: Kubernetes does not start such a container either."""
    try:
        return {
            entry["name"]: entry.get("value", "")
            if "valueFrom" not in entry
            else _secret_value(store, namespace, entry["valueFrom"]["secretKeyRef"])
            for entry in container.get("env", [])
        }
    except (Refusal, KeyError):
        return None


def _secret_value(store: Store, namespace: str, reference: Mapping[str, str]) -> str:
    secret = store.get(Key("secrets", namespace, reference["name"]))
    return base64.b64decode(secret["data"][reference["key"]]).decode()
