"""What may be relied upon of instances that are told, over real agents: the shipped adapter sends the shipped document to them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from rotation.consumers.wp_config import adapter
from rotation.consumers.wp_config.adapter import Instances
from rotation.ports import Surroundings

from local.aws import LocalAws
from local.instances.fleet import Fleet, Kind
from local.leftovers import Leftovers
from tests.conformance.consumers import Told
from tests.contract.machine import DOCUMENT, OLD, Secret, config
from tests.until import until

APP, NAME, PAGE = "told", "told-wp-config", "Just another"
SITE = "var/www/html"
SETTINGS = {
    "app": APP,
    "document": NAME,
    "path": f"/{SITE}/wp-config.php",
    "page": "http://127.0.0.1/",
    "marker": PAGE,
    "slowest_boot_seconds": 0,
    "owner": f"{os.getuid()}:{os.getgid()}",
    "mode": "0640",
}
DELIVERY_SECONDS = 2.0
"""In the place of Run Command's half a minute."""
WITHIN = 30.0


class Small:
    """A page and a wp-config.php, and no WordPress: what reads the file is another test's."""

    config = f"{SITE}/wp-config.php"

    def lay_out(self, root: Path) -> None:
        (root / SITE).mkdir(parents=True)
        (root / SITE / "index.php").write_text(PAGE)
        (root / self.config).write_text(config(*OLD))

    def serving(self, root: Path, port: int) -> tuple[list[str], Mapping[str, str]]:
        return ["php", "-n", "-q", "-S", f"127.0.0.1:{port}", "-t", str(root / SITE)], {}


class OnMachines:
    """Two of them. Time that nobody has to wait for is added to the clock."""

    def __init__(self, machines: Fleet, secret: Secret) -> None:
        self._machines, self._ahead = machines, 0.0
        self.silenced: list[str] = []
        self.current, self.next = secret.first, secret.put()
        self.fleet: Instances = adapter.make(SETTINGS, Surroundings("blog", "arn:the-admin", secret=secret.arn))
        first, second = sorted(machines.instances)
        self.names = (first, second)

    def now(self) -> float:
        return time.time() + self._ahead

    def wait(self, seconds: float) -> None:
        began = time.time()
        until(lambda: all(one.ended for one in self.fleet.answers(began - WITHIN)))
        self._ahead += max(0.0, seconds - (time.time() - began))

    def end(self, name: str) -> None:
        self._machines.lose(self._machines.instances[name])

    def silence(self, name: str) -> None:
        self.silenced.append(name)
        self._machines.instances[name].kill_agent()
        until(lambda: not any(one.online for one in self.fleet.instances() if one.id == name))


@pytest.fixture(scope="module")
def paced(aws: LocalAws) -> Iterator[LocalAws]:
    aws.client("ssm").create_document(Name=NAME, Content=DOCUMENT.read_text(), DocumentType="Command", DocumentFormat="YAML")
    aws.pace_commands(hidden_seconds=0.0, delivery_seconds=DELIVERY_SECONDS)
    yield aws
    aws.pace_commands()


@pytest.fixture(scope="module")
def machines(paced: LocalAws) -> Iterator[Fleet]:
    """Two, but for those that a test has taken away."""
    kind = Kind("none: they do not boot by it", {"app": APP}, boots=False)
    with Leftovers() as run, Fleet(paced, run.directory / "instances", run.environment, Small(), kind) as machines:
        yield machines


class TestOnMachines(Told):
    @pytest.fixture
    def here(self, paced: LocalAws, machines: Fleet, adapters_use: Callable[[LocalAws], None]) -> Iterator[OnMachines]:
        adapters_use(paced)
        while len(machines.instances) < 2:
            machines.launch()
        machines.wait_until_serving()
        for one in machines.instances.values():
            one.config.write_text(config(*OLD))
        here = OnMachines(machines, Secret(paced))
        yield here
        for name in here.silenced:
            machines.lose(machines.instances[name])
