"""The shop on PostgreSQL, whose services are pods: each has its login from a Kubernetes Secret, in a shape of its own, and is
replaced to take another. The functions of the deployed template write it, beside the application's secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from local.access import access_entries
from local.aws import REPOSITORY
from local.cluster import Cluster
from local.cluster.containers import PYTHON
from local.cluster.handle import Settings
from local.cluster.kinds import STAND_IN
from local.cluster.manifests import READY_AFTER, SCHEDULER, Object
from local.cluster.tokens import MASTERS, PERSON
from local.decided import decided
from local.login import Login
from local.running import BUILD, NAME
from local.shop.on_postgresql import OnPostgreSQL
from local.shop.stack import SHOWN, Pace
from local.stack import SECRET_KEY
from local.translation import translate
from local.workloads import pod

CLUSTER, NAMESPACE = "shop-eks", "shop"
RBAC = REPOSITORY / "examples" / "workloads" / "rbac.yaml"
PARTS = {"PGUSER": "{username}", "PGPASSWORD": "{password}", "PGHOST": "{host}", "PGPORT": "{port}", "PGDATABASE": "{dbname}"}
SERVICES: dict[str, dict[str, str]] = {
    "orders": {"DATABASE_URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"},
    "reports": PARTS,
}
"""Each with the keys of its Secret, which are its environment's names."""


def secret_of(service: str) -> str:
    """The name of its Secret."""
    return f"{service}-database"


class Workloads(OnPostgreSQL):
    """`with Workloads() as stack:` the pods serve. The first service's page is the stack's."""

    cluster: Cluster

    def __init__(
        self, pace: Pace | None = None, pods: int = 2, progress_deadline: int = 20, services: Sequence[str] = tuple(SERVICES)
    ) -> None:
        super().__init__(pace)
        self._pods, self._progress_deadline, self._services = pods, progress_deadline, services

    @property
    def page(self) -> str:
        return f"{self.cluster.url}/"

    @property
    def pages(self) -> list[str]:
        """Of each service."""
        return [self.page, *(f"{url}/" for url in self.cluster.urls.values())]

    def held(self) -> dict[str, Login]:
        """The application's secret, and what pods that start now are given."""
        return super().held() | {f"Secret {secret_of(one)}": self._given_to(one) for one in self._services}

    def access_entries(self) -> dict[str, list[str]]:
        """Whom the cluster lets in, with their groups: the functions as the template says, and a person with kubectl."""
        return {PERSON: [MASTERS], **access_entries(decided(translate(BUILD, self._given), self._given), self.deployed)}

    def deploy(self, name: str = NAME, given: Mapping[str, str] | None = None) -> None:
        """And the cluster lets its functions in."""
        super().deploy(name, given)
        self.cluster.admit(self.access_entries())

    def _given_to(self, service: str) -> Login:
        return pod.login(self.cluster.secret(secret_of(service)))[0]

    def _start_application(self) -> None:
        """In a cluster."""
        first, *others = [self._deployment(one) for one in self._services]
        secrets = [self._secret(one) for one in self._services]
        settings = Settings(
            cluster=CLUSTER,
            kind=STAND_IN,
            secret=secrets[0],
            deployment=first,
            others=[*secrets[1:], *others],
            rbac=RBAC,
            sites=self.directory,
            database_ca=self.directory,
            directory=self.directory / "cluster",
            secret_keys={"*": SECRET_KEY},
        )
        self.cluster = Cluster(settings, self.environment)
        self.cluster.start()
        self._ended.callback(self.cluster.stop)
        self.cluster.wait_until_rolled_out()
        self.aws.register_cluster(CLUSTER, self.cluster.api, base64.b64encode(self.cluster.ca.encode()).decode())

    def _shown(self) -> dict[str, str]:
        return {
            "HealthUrl": self.page,
            "HealthMarker": SHOWN,
            "ClusterName": CLUSTER,
            "Namespace": NAMESPACE,
            "OtherConsumers": ", ".join(json.dumps(one) for one in self.consumers()),
        }

    def consumers(self) -> list[dict[str, Any]]:
        """Every Secret before the first Deployment that reads it."""
        where = {"cluster": CLUSTER, "namespace": NAMESPACE}
        secrets = [{"kind": "secret", **where, "name": secret_of(one), "keys": SERVICES[one]} for one in self._services]
        return [*secrets, *({"kind": "deployment", **where, "name": one} for one in self._services)]

    def _secret(self, service: str) -> Object:
        login, server = self.users["A"], self.server
        values = {"username": login.username, "password": login.password, "password|url": login.password}
        values |= {"host": server.host, "port": str(server.port), "dbname": self.database}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"namespace": NAMESPACE, "name": secret_of(service)},
            "stringData": {"somebody-elses": "stays", **{key: _filled(text, values) for key, text in SERVICES[service].items()}},
        }

    def _deployment(self, service: str) -> Object:
        labels = {"app": service}
        environment: list[dict[str, Any]] = [
            {"name": key, "valueFrom": {"secretKeyRef": {"name": secret_of(service), "key": key}}} for key in SERVICES[service]
        ]
        container = {
            "name": service,
            "image": "shop/service",
            "command": [PYTHON, "-m", pod.__name__],
            "env": [*environment, {"name": "DATABASE_CA", "value": self.server.ca_pem}],
            "readinessProbe": {
                "httpGet": {"path": pod.READY, "port": 80},
                "periodSeconds": 1,
                "timeoutSeconds": 5,
                "failureThreshold": 3,
            },
        }
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"namespace": NAMESPACE, "name": service},
            "spec": {
                "replicas": self._pods,
                "progressDeadlineSeconds": self._progress_deadline,
                "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {
                    "metadata": {"labels": labels, "annotations": {READY_AFTER: "0.3"}},
                    "spec": {"schedulerName": SCHEDULER, "containers": [container]},
                },
            },
        }


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Its passwords are of letters that an address has as they are."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
