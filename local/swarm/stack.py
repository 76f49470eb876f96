"""Services of a Docker Swarm with the shipped template: their secrets rotate while they serve, on a real engine of three nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.mysql import Login
from local.postgresql import PostgreSQL
from local.shop.databases import POSTGRESQL, Place
from local.shop.stack import DATABASE, SHOWN, Pace, Reader, made_up
from local.shop.tables import furnish
from local.swarm.application import PASSWORD_FILE, READS_NEWEST, USER_FILE
from local.swarm.handle import Swarm
from local.swarm.node import MANAGER, WORKER

VERSION = "credential-rotation.version"
"""The label by which a secret of the Swarm says of which version of the application's secret it is a copy."""
KEYS = {
    "shop_user": "{username}",
    "shop_password": "{password}",
    "shop_login": '{{"username": "{username|json}", "password": "{password|json}"}}',
}


@dataclass(frozen=True)
class Service:
    """One, and how it finds its login."""

    name: str
    files: Mapping[str, str]
    """By the variable, the secret without its number."""
    restarts: int
    told: str
    """Of it, to a person."""
    environment: Mapping[str, str]


WEB = Service("web", {USER_FILE: "shop_user", PASSWORD_FILE: "shop_password"}, 3, "reads the files in use, 3 updates", {})
WORKER_SERVICE = Service(
    "worker", {"SHOP_LOGIN_FILE": "shop_login"}, 1, "has the reader for applications, 1 update", {READS_NEWEST: "shop_login"}
)


class Services(Reader):
    """Two services of so many tasks each, on one credential."""

    kind = POSTGRESQL
    server: PostgreSQL
    services, keys = (WEB, WORKER_SERVICE), KEYS
    roles = (MANAGER, WORKER, WORKER)

    def __init__(self, replicas: int = 3, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self._replicas = replicas
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in "AB"}

    @property
    def page(self) -> str:
        """At a balancer in front of all tasks."""
        return self._page

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"PostgreSQL": self.server.version(), "Docker Engine": self.swarm.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.server.accepts(Login(user, password))

    def held(self) -> dict[str, Login]:
        """What each place that the application reads its login from says now: of a service by the version that its secret names."""
        return super().held() | {f"service {one.name}": self._read_by(one) for one in self.services}

    def may_hold(self, path: Path) -> bool:
        """PostgreSQL's own files but its log. The image is the same for all tasks, and nobody writes into it."""
        return path.is_relative_to(self.server.data) or (path.is_relative_to(self.swarm.directory) and _of_image(path))

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """What the managers say of everything, and each engine of its containers."""
        with self.swarm.client() as client:
            for kind in ("services", "tasks", "secrets", "nodes"):
                yield f"docker {kind}", json.dumps(getattr(client.api, kind)()).encode()
        for name, said in self.swarm.containers():
            yield f"docker inspect on {name}", said

    def label(self, value: str) -> None:
        """Somebody else updates the first service."""
        self.swarm.label(WEB.name, "changed-by", value)

    def _read_by(self, service: Service) -> Login:
        found = self.swarm.read_by(service.name, next(iter(service.files)), newest=service.restarts == 1)
        version = found.get(VERSION)
        held = self.secret(self.application_secret, version) if version else self._first
        return Login(held["username"], held["password"])

    # Its start

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(PostgreSQL(self.directory / "postgresql", self.environment))
        furnish(self.server, self.admin, self.users.values())
        self.server.log.write_bytes(b"")  # these statements are ours, and have passwords in them; no later one may

    def _others(self) -> dict[str, Any]:
        return {}

    def _own_parameters(self) -> dict[str, str]:
        self.swarm = self._ended.enter_context(Swarm(self._run, self.roles))
        self.swarm.reach(self.server.port)
        client = {"certificate": self.swarm.client_certificate, "key": self.swarm.client_key}
        arn = self._create_secret("shop/swarm-client", client)
        way = {"managers": self.swarm.endpoints, "ca": self.swarm.ca, "client_secret": arn}
        consumers = [
            {"kind": "swarm-secret", **way, "keys": self.keys},
            *(
                {"kind": "swarm-service", **way, "service": one.name, "files": dict(one.files), "restarts": one.restarts}
                for one in self.services
            ),
        ]
        return {"SwarmClientSecretArn": arn, "SwarmConsumers": ", ".join(json.dumps(one) for one in consumers)}

    def _start_application(self) -> None:
        first = self.users["A"]
        self._first = {"username": first.username, "password": first.password}
        values = {"shop_user": first.username, "shop_password": first.password, "shop_login": json.dumps(self._first)}
        for name, value in values.items():
            self.swarm.create_secret(f"{name}_v1", value)
        for one in self.services:
            files = {variable: f"{name}_v1" for variable, name in one.files.items()}
            self.swarm.serve(
                one.name,
                self._place(),
                files,
                replicas=self._replicas,
                lifetime_seconds=self.pace.lifetime_seconds,
                environment=one.environment,
            )
        self._page = self.swarm.front(*(one.name for one in self.services))

    def _shown(self) -> dict[str, str]:
        return {"HealthUrl": self.page, "HealthMarker": SHOWN}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, DATABASE, self.server.ca_pem)


def _of_image(path: Path) -> bool:
    """In the layer of a node's storage that the image is: the others hold what a task wrote."""
    layers = [parent for parent in path.parents if parent.parent.name == "overlay2"]
    return any((layer / "diff" / "application").is_dir() for layer in layers)
