"""Services of a Docker Swarm on a real engine of three nodes: their login rotates under load, and no request fails."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from local.faults import Fault, meant
from local.load import Load
from local.shop.stack import SHOWN, Pace
from local.swarm.programs import why_not
from local.swarm.stack import WEB, WORKER_SERVICE, Services
from tests.e2e.last_looks import check
from tests.e2e.rotations import Turns
from tests.whole import only_in_the_whole

ROTATIONS = int(os.environ.get("ROTATIONS", "1"))
PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
RATE = float(os.environ.get("RATE", "20"))
TRIES = 4
pytestmark = [pytest.mark.skipif(why_not() is not None, reason=str(why_not())), only_in_the_whole]


class SwarmTurns(Turns):
    stack: Services

    def files(self, service: str) -> list[str]:
        """The secrets that it has."""
        with self.stack.swarm.client() as client:
            of = client.services.get(service).attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
        return sorted(one["SecretName"] for one in of["Secrets"])

    def made(self) -> list[str]:
        """The secrets of rotations that the Swarm has."""
        with self.stack.swarm.client() as client:
            return sorted(one.name for one in client.secrets.list() if one.attrs["Spec"].get("Labels"))


@pytest.fixture(scope="module")
def turns() -> Iterator[SwarmTurns]:
    with Services(2, PACE) as stack:
        with Load(stack.page, RATE, marker=SHOWN) as load:
            yield SwarmTurns(stack, load)
        check(stack)


@pytest.fixture(autouse=True)
def _no_request_fails(turns: SwarmTurns) -> Iterator[None]:
    start = time.time()
    yield
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []


@pytest.mark.parametrize("number", range(ROTATIONS))
def test_both_services_come_to_the_new_login_and_somebody_else_s_change_is_kept(number: int, turns: SwarmTurns) -> None:
    before, note = turns.active, f"note-{number}"
    run = turns.follow({"CutOverService": lambda: turns.stack.label(note)})
    assert run.outcome == "RotationSucceeded", run.cause
    assert not turns.accepts(before)
    turns.assert_at_rest()
    with turns.stack.swarm.client() as client:
        assert client.services.get(WEB.name).attrs["Spec"]["Labels"]["changed-by"] == note
    assert len(turns.files(WEB.name)) == len(WEB.files), "the old ones are gone"
    assert len(turns.files(WORKER_SERVICE.name)) == 2, "with one update the version before stays until the next rotation"


def test_what_fails_at_the_cutover_is_put_back(turns: SwarmTurns) -> None:
    before, state = turns.active, "CutOverService"
    turns.stack.aws.fail(Fault(turns.stack.function(state), meant(state), TRIES))
    assert turns.run().outcome == "RolledBack"
    turns.assert_at_rest()
    assert turns.active == before
    assert len(turns.files(WEB.name)) == len(WEB.files)


def test_what_was_put_back_is_tidied_up_by_the_next_one(turns: SwarmTurns) -> None:
    turns.assert_rotates()
    assert Counter(name.rpartition("_v")[0] for name in turns.made()) == {"shop_user": 1, "shop_password": 1, "shop_login": 2}
