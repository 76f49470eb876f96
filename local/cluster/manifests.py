"""The two objects that exist before a rotation: the application's Secret and its Deployment."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

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
    deadline: float = 60,
) -> Object:
    """`ready_after`: seconds before the first readiness probe, so how long a pod's replacement takes."""
    labels = {"app": name}
    references = {variable: {"secretKeyRef": {"name": secret_name, "key": key}} for variable, key in VARIABLES.items()}
    container = {
        "name": name,
        "image": "openemr/openemr",
        "env": [{"name": variable, "valueFrom": source} for variable, source in references.items()],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": 80},
            "initialDelaySeconds": ready_after,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": deadline,
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
