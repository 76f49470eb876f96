"""Services of a Swarm come to a version phase by phase: the shipped adapter over the small Swarm, in memory and through TLS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from rotation.consumers.swarm.engine import Engine
from rotation.consumers.swarm.services import SwarmSecrets, SwarmService
from rotation.consumers.swarm.spec import Spec
from rotation.consumers.swarm.versions import VERSION
from rotation.ports import Surroundings

from tests.conformance.swarm import FILES, KEYS, PASSWORD, USER, MovesInPhases, WhateverHappens
from tests.worlds.swarm import LOST_AFTER, STOPPED_AFTER, Swarm
from tests.worlds.swarm_client import EngineInMemory

SURROUNDINGS = Surroundings("shop", "arn:admin", secret="arn:aws:secretsmanager:::secret:shop")


def mount(swarm: Swarm, name: str) -> dict[str, Any]:
    found = next(one["ID"] for one in swarm.secrets.values() if one["Spec"]["Name"] == name)
    return {"File": {"Name": name, "UID": "70", "GID": "70", "Mode": 0o400}, "SecretID": found, "SecretName": name}


def a_swarm() -> Swarm:
    swarm = Swarm()
    for name, role in (("m1", "manager"), ("w1", "worker"), ("w2", "worker")):
        swarm.add_node(name, role)
    for name in (f"{PASSWORD}_v1", f"{USER}_v1", "tls_key"):
        swarm.add_secret(name)
    swarm.add_service(
        {
            "Name": "web",
            "Labels": {"com.docker.stack.namespace": "shop"},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "web@sha256:1",
                    "Env": ["TZ=UTC", *(f"{variable}=/run/secrets/{base}_v1" for variable, base in FILES.items())],
                    "Secrets": [mount(swarm, name) for name in (f"{PASSWORD}_v1", f"{USER}_v1", "tls_key")],
                },
            },
            "Mode": {"Replicated": {"Replicas": 2}},
            "UpdateConfig": {"Order": "start-first", "FailureAction": "pause", "Parallelism": 1},
        }
    )
    return swarm


class Here:
    """The small Swarm."""

    def __init__(self, swarm: Swarm, engine: Engine) -> None:
        self.swarm, self.engine = swarm, engine
        self.secrets = SwarmSecrets(engine, SURROUNDINGS, KEYS)
        self._down = ""
        self._changes = 0

    def service(self, restarts: int = 3, name: str = "web") -> SwarmService:
        return SwarmService(self.engine, SURROUNDINGS, name, FILES, restarts)

    def spec(self) -> Spec:
        return self.swarm.service("web").spec

    def updates(self) -> int:
        return sum(path.endswith("/update") for method, path, _ in self.swarm.calls if method == "POST") - self._changes

    def stored(self) -> list[str]:
        return [one["Spec"]["Name"] for one in self.swarm.secrets.values()]

    def wait(self) -> None:
        self.swarm.pass_time(0.5)

    def is_updating(self) -> bool:
        return (self.swarm.service("web").status or {}).get("State") == "updating"

    def serving(self) -> list[dict[str, Any]]:
        return [one.spec["ContainerSpec"] for one in self.swarm.running("web")]

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        service = self.swarm.service("web")
        spec = deepcopy(service.spec)
        change(spec)
        self._changes += 1
        assert self.swarm.answer("POST", f"/services/{service.id}/update", {"version": str(service.index)}, spec).status == 200

    @contextmanager
    def meddled(self, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        answer = self.swarm.answer

        def first(method: str, path: str, query: dict[str, str], body: Any) -> Any:
            if path.endswith("/update"):
                self.swarm.answer = answer  # type: ignore[method-assign]
                self.change(change)
            return answer(method, path, query, body)

        self.swarm.answer = first  # type: ignore[method-assign]
        yield

    def fail(self, version: str) -> None:
        self.swarm.unhealthy |= {one["ID"] for one in self.swarm.secrets.values() if one["Spec"]["Labels"].get(VERSION) == version}

    def kill(self) -> None:
        self._down = self.swarm.running("web")[0].node
        self.swarm.kill(self._down)
        self.swarm.pass_time(LOST_AFTER + 1)

    def start(self) -> None:
        self.swarm.start(self._down)
        self.swarm.pass_time(STOPPED_AFTER)


class TestInMemory(MovesInPhases, WhateverHappens):
    @pytest.fixture
    def here(self) -> Here:
        swarm = a_swarm()
        return Here(swarm, EngineInMemory(swarm))
