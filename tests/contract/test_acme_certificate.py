"""The adapter of `acme-certificate` on a real ACME server, which looks for every challenge at the local AWS's Route 53."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local.acme.dns import NameServer
from local.acme.pebble import Pebble, plain
from local.aws import LocalAws
from tests.conformance.keys import At, Provider
from tests.contract.acme import Here, zone_of
from tests.worlds.acmed import Acmed, AcmeWorld

NAME = "rotation.shop.0.1"


@pytest.fixture(scope="module")
def pebble(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with NameServer(aws) as names, Pebble(tmp_path_factory.mktemp("acme") / "pebble", plain(), names.address) as pebble:
        yield pebble


@pytest.fixture(scope="module")
def zone(aws: LocalAws) -> str:
    return zone_of(aws)


@pytest.fixture
def here(pebble: Pebble, aws: LocalAws, zone: str, adapters_use: Callable[[LocalAws], None]) -> Here:
    adapters_use(aws)
    return Here(pebble, aws, zone)


class TestPebble(Provider):
    @pytest.fixture
    def at(self, here: Here) -> At:
        provider = here.as_admin()
        return At(provider, provider.issue(None, "rotation.shop.0.0"))


class TestSmallWorld(Provider):
    @pytest.fixture
    def at(self) -> At:
        world = AcmeWorld()
        world.source.kept = world.source.kept._replace(there=())
        it: Any = SimpleNamespace(
            world=world, note=lambda act: act(), call=lambda _, __, act: act(), seen=SimpleNamespace(issued=set(), proven=set())
        )
        provider = Acmed(it, cast("Any", world.source))
        return At(provider, provider.issue(None, "rotation.shop.0.0"))
