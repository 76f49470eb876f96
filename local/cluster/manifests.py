"""The two objects that exist before a rotation: the application's Secret and the workload that reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from local.cluster.kinds import RBAC

Object = dict[str, Any]

SCHEDULER = "credential-rotation"  # no scheduler of this name exists but our kubelet, so nobody else places these pods
READY_AFTER = "credential-rotation.local/ready-after"
SAYS_USER = ("python", "-m", "local.cluster.given")

# The container's variables and the keys of the Secret that they come from.
VARIABLES = {
    "MYSQL_HOST": "mysql-host",
    "MYSQL_USER": "mysql-user",
    "MYSQL_PASS": "mysql-password",
    "MYSQL_DATABASE": "mysql-database",
}


def secret(namespace: str, name: str, *, host: str, user: str, password: str, database: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": {
            "mysql-host": host,
            "mysql-user": user,
            "mysql-password": password,
            "mysql-database": database,
        },
    }


def deployment(
    namespace: str,
    name: str,
    secret_name: str,
    *,
    replicas: int = 3,
    ready_after: float = 0,
    deadline: int = 60,
) -> Object:
    """`ready_after`: seconds before the first readiness probe, so how long a pod's replacement takes. An annotation, since the
    probe's own initialDelaySeconds are whole."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": deadline,
            "selector": _selector(name),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": _template(name, secret_name, ready_after=ready_after),
        },
    }


def stateful_set(namespace: str, name: str, secret_name: str, *, replicas: int = 2) -> Object:
    """Its pods say which user they have."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": _selector(name),
            "updateStrategy": {"type": "RollingUpdate"},
            "template": _template(name, secret_name, command=SAYS_USER),
        },
    }


def daemon_set(namespace: str, name: str, secret_name: str, *, everywhere: bool = True) -> Object:
    """Its pods say which user they have. Where not `everywhere`, there are none."""
    template = _template(name, secret_name, command=SAYS_USER)
    template["spec"]["tolerations"] = [{"key": SCHEDULER, "operator": "Exists"}]
    if not everywhere:
        template["spec"]["nodeSelector"] = {"credential-rotation.local/nowhere": "true"}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "selector": _selector(name),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": template,
        },
    }


def _selector(name: str) -> Object:
    return {"matchLabels": {"app": name}}


def _template(name: str, secret_name: str, *, ready_after: float = 0, command: Sequence[str] = ()) -> Object:
    references = {variable: {"secretKeyRef": {"name": secret_name, "key": key}} for variable, key in VARIABLES.items()}
    container = {
        "name": name,
        "image": "openemr/openemr",
        **({"command": list(command)} if command else {}),
        "env": [{"name": variable, "valueFrom": source} for variable, source in references.items()],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": 80},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }
    annotations = {"annotations": {READY_AFTER: str(ready_after)}} if ready_after else {}
    metadata = {"labels": {"app": name}, **annotations}
    return {"metadata": metadata, "spec": {"schedulerName": SCHEDULER, "containers": [container]}}


def now() -> str:
    """As the API writes a time."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def roles(namespace: str, rbac: Path = RBAC) -> list[Object]:
    """k8s/rbac.yaml, or another one, as `kubectl apply -n` would have it."""
    documents: list[Object] = list(yaml.safe_load_all(rbac.read_text()))
    return [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in documents]
