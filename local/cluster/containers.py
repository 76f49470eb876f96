"""What the kubelet gives a container: its command, and its environment as the API says it at the moment of the start."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from typing import Any

from local.cluster import php

PYTHON = "python"
"""As a manifest calls the interpreter: here it is ours."""

Object = dict[str, Any]


def command(container: Mapping[str, Any], port: int) -> list[str]:
    """Of one that says it, its own: it finds the port in its environment. The image of OpenEMR brings PHP's server."""
    said = container.get("command")
    return [sys.executable if word == PYTHON else word for word in said] if said else php.server(port)


def secret_names(container: Mapping[str, Any]) -> set[str]:
    """Of the Secrets that must be read before it can start."""
    sources = (entry.get("valueFrom", {}).get("secretKeyRef") for entry in container.get("env", []))
    return {source["name"] for source in sources if source}


def environment(container: Mapping[str, Any], secrets: Mapping[str, Object]) -> dict[str, str] | None:
    """None if a Secret or a key of it is missing: Kubernetes does not start such a container either."""
    try:
        return {
            entry["name"]: entry.get("value", "")
            if "valueFrom" not in entry
            else _secret_value(entry["valueFrom"]["secretKeyRef"], secrets)
            for entry in container.get("env", [])
        }
    except KeyError:
        return None


def _secret_value(reference: Mapping[str, str], secrets: Mapping[str, Object]) -> str:
    return base64.b64decode(secrets[reference["name"]]["data"][reference["key"]]).decode()
