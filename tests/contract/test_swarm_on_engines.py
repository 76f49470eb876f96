"""The suite of a Swarm's services on real engines, three nodes of them: what the small Swarm in memory stands for.

Each case waits for rolling updates, five seconds each at the least: so most of them run with WHOLE=1."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker.types import Healthcheck, Mount, UpdateConfig
from rotation.consumers.swarm.engine import Access, Engine, Identity
from rotation.consumers.swarm.services import SwarmSecrets, SwarmService
from rotation.consumers.swarm.spec import Spec
from rotation.consumers.swarm.versions import VERSION
from rotation.core.model import Password
from rotation.ports import Surroundings

from local.leftovers import Leftovers
from local.swarm.handle import SECOND, Swarm, wait_until
from local.swarm.programs import why_not
from tests.conformance.swarm import FILES, KEYS, PASSWORD, USER, MovesInPhases, WhateverHappens
from tests.whole import only_in_the_whole, only_with_more

pytestmark = [only_with_more, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

SURROUNDINGS = Surroundings("shop", "arn:admin", secret="arn:aws:secretsmanager:::secret:shop")
REFUSED = "/refused"
"""A folder of names: a task that has a secret so called is not well."""
HEALTH = f"for one in {REFUSED}/*; do [ ! -e '/run/secrets/'\"${{one##*/}}\" ] || exit 1; done"
STAY = ["busybox", "sh", "-c", "trap 'exit 0' TERM INT; while :; do busybox sleep 0.2; done"]
UPDATES = UpdateConfig(parallelism=1, order="start-first", failure_action="pause", monitor=SECOND // 2)


class Counting(Engine):
    """It knows how often it has updated a service, and lets somebody else be first once."""

    updates = 0
    before: Callable[[], None] | None = None

    def post(self, path: str, body: Any, **query: str) -> Any:
        if path.endswith("/update"):
            before, self.before = self.before, None
            if before:
                before()
            answer = super().post(path, body, **query)
            self.updates += 1
            return answer
        return super().post(path, body, **query)


class OnEngines:
    """A service of two tasks, made anew for each test."""

    def __init__(self, swarm: Swarm, folder: Path) -> None:
        self.swarm, self._folder = swarm, folder
        folder.mkdir(exist_ok=True)
        identity = Identity(swarm.client_certificate, Password(swarm.client_key), "the client's")
        self.engine = Counting(Access(swarm.endpoints, swarm.ca, "1.3", lambda: identity))
        self.secrets = SwarmSecrets(self.engine, SURROUNDINGS, KEYS)
        self._down = ""

    def begin(self) -> None:
        for name in (f"{PASSWORD}_v1", f"{USER}_v1", "tls_key"):
            self.swarm.create_secret(name, "made by hand")
        self.swarm.create_service(
            "web",
            replicas=2,
            command=STAY,
            environment={"TZ": "UTC", **{variable: f"/run/secrets/{base}_v1" for variable, base in FILES.items()}},
            secrets=(f"{PASSWORD}_v1", f"{USER}_v1", "tls_key"),
            labels={"com.docker.stack.namespace": "shop"},
            mounts=[Mount(REFUSED, str(self._folder), type="bind", read_only=True)],
            healthcheck=Healthcheck(test=["CMD-SHELL", HEALTH], interval=SECOND // 2, timeout=30 * SECOND, retries=2),
            stop_grace_period=2 * SECOND,
            update_config=UPDATES,
        )
        wait_until(lambda: len(self.serving()) == 2, "the service does not run")

    def end(self) -> None:
        if self._down:
            self.start()
        with self.swarm.client() as client:
            for service in client.services.list():
                service.remove()
        wait_until(lambda: not self.engine.get("tasks"), "tasks are left")
        with self.swarm.client() as client:
            for secret in client.secrets.list():
                secret.remove()
        for one in self._folder.iterdir():
            one.unlink()
        self.engine.close()

    def service(self, restarts: int = 3, name: str = "web") -> SwarmService:
        return SwarmService(self.engine, SURROUNDINGS, name, FILES, restarts)

    def spec(self) -> Spec:
        found: Spec = self.engine.get("services/web")["Spec"]
        return found

    def updates(self) -> int:
        return self.engine.updates

    def stored(self) -> list[str]:
        return [one["Spec"]["Name"] for one in self.engine.get("secrets")]

    def wait(self) -> None:
        time.sleep(0.2)

    def is_updating(self) -> bool:
        status = self.engine.get("services/web").get("UpdateStatus") or {}
        return bool(status.get("State") == "updating")

    def serving(self) -> list[dict[str, Any]]:
        tasks = self.engine.get("tasks")
        return [one["Spec"]["ContainerSpec"] for one in tasks if one["Status"]["State"] == "running"]

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        for _ in range(100):
            found = self.engine.get("services/web")
            change(found["Spec"])
            with self.swarm.client() as client:
                answer = client.api._post_json(
                    client.api._url("/services/{0}/update", found["ID"]),
                    data=found["Spec"],
                    params={"version": found["Version"]["Index"]},
                )
            if answer.status_code == 200:
                return
        raise AssertionError(answer.text)

    @contextmanager
    def meddled(self, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        self.engine.before = lambda: self.change(change)
        yield

    def fail(self, version: str) -> None:
        for one in self.engine.get("secrets"):
            if (one["Spec"].get("Labels") or {}).get(VERSION) == version:
                (self._folder / one["Spec"]["Name"]).touch()

    def kill(self) -> None:
        """A worker, or nobody could be asked."""
        nodes = {one["ID"]: one["Description"]["Hostname"] for one in self.engine.get("nodes") if one["Spec"]["Role"] == "worker"}
        tasks = [one for one in self.engine.get("tasks") if one["Status"]["State"] == "running" and one["NodeID"] in nodes]
        self._down = nodes[tasks[0]["NodeID"]]
        self.swarm.kill(self._down)
        self.swarm.wait_for(self._down, "down")

    def start(self) -> None:
        self.swarm.start(self._down)
        self.swarm.wait_for(self._down, "ready")
        self._down = ""


@pytest.fixture(scope="module")
def swarm() -> Iterator[Swarm]:
    with Leftovers() as run, Swarm(run) as swarm:
        yield swarm


@pytest.fixture
def here(swarm: Swarm, tmp_path: Path) -> Iterator[OnEngines]:
    tmp_path.chmod(0o755)
    made = OnEngines(swarm, tmp_path / "refused")
    try:
        made.begin()
        yield made
    finally:
        made.end()


class TestOnEngines(MovesInPhases):
    """Every day."""


@only_in_the_whole
class TestWhateverHappensOnEngines(WhateverHappens):
    """Ten minutes."""
