"""Services of a Docker Swarm on a real engine of three nodes: their login rotates under load, and no request fails.

Every day one rotation; WHOLE=1 adds more of them, one that is rolled back, blows at each state that only a Swarm has, and an engine
that is killed in the middle."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from local.faults import Fault, meant
from local.load import Load
from local.shop.stack import SHOWN, Pace
from local.swarm.node import MANAGER, WORKER
from local.swarm.programs import why_not
from local.swarm.stack import WEB, WORKER_SERVICE, Services
from tests.e2e.blows import FORWARD, IN_SWARM, NEVER_IN_SWARM, RESTORE, RETIRE, SERVICES, Blows, Tally
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED, Turns
from tests.whole import WHOLE, only_in_the_whole

ROTATIONS = int(os.environ.get("ROTATIONS", "3" if WHOLE else "1"))
PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
RATE = float(os.environ.get("RATE", "20"))
TRIES = 4
AWAY_SECONDS = 5.0
pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
STOPS = [(state, direction) for state, direction in IN_SWARM.struck if state in SERVICES]
"""The others are struck with OpenEMR and the shop."""


class SwarmTurns(Turns):
    stack: Services

    def files(self, service: str) -> list[str]:
        """The secrets that it has."""
        with self.stack.swarm.client() as client:
            of = client.services.get(service).attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
        return sorted(one["SecretName"] for one in of["Secrets"])

    def made(self) -> Counter[str]:
        """How many secrets of rotations the Swarm has, by their names without a number."""
        with self.stack.swarm.client() as client:
            ours = [one.name for one in client.secrets.list() if one.attrs["Spec"].get("Labels")]
        return Counter(name.rpartition("_v")[0] for name in ours)

    def kill_engine(self, role: str) -> str:
        """SIGKILL of one of that role, on which tasks run; its name."""
        swarm = self.stack.swarm
        name = next(name for name, node in swarm.nodes.items() if node.role == role and swarm.tasks(WEB.name, name))
        swarm.kill(name)
        return name

    def start_engine(self, name: str) -> None:
        """Once the managers have missed it."""
        self.stack.swarm.wait_for(name, "down")
        self.stack.swarm.start(name)


@pytest.fixture(scope="module")
def turns() -> Iterator[SwarmTurns]:
    with Services(2, PACE) as stack:
        with Load(stack.page, RATE, marker=SHOWN) as load:
            yield SwarmTurns(stack, load)
        check(stack)


@pytest.fixture(autouse=True)
def _no_request_fails(turns: SwarmTurns, request: pytest.FixtureRequest) -> Iterator[None]:
    start = time.time()
    turns.stack.aws.clear_faults()
    yield
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []
    request.config.stash.setdefault(MEASURED, []).append(f"Swarm, {request.node.name}: {requests.served} served, 0 failed")


@pytest.fixture(scope="module")
def tally(turns: SwarmTurns, request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    request.config.stash.setdefault(MEASURED, []).append(tally.line(f"the Swarm's {IN_SWARM}", turns.requests_since(start)))


@pytest.fixture
def blows(turns: SwarmTurns, tally: Tally) -> Blows:
    return Blows(turns, tally, IN_SWARM)


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


@only_in_the_whole
@pytest.mark.parametrize("state", [state for state in SERVICES if state not in NEVER_IN_SWARM])
def test_what_somebody_else_changes_at_a_state_is_kept_and_ours_arrives(state: str, turns: SwarmTurns) -> None:
    before, note = turns.active, f"note-{state}"
    run = turns.follow({state: lambda: turns.stack.label(note)})
    assert run.outcome == "RotationSucceeded", run.cause
    assert not turns.accepts(before)
    turns.assert_at_rest()
    with turns.stack.swarm.client() as client:
        assert client.services.get(WEB.name).attrs["Spec"]["Labels"]["changed-by"] == note


@only_in_the_whole
def test_what_fails_at_the_cutover_is_put_back_and_the_next_one_tidies_up(turns: SwarmTurns) -> None:
    before, state = turns.active, "CutOverService"
    turns.stack.aws.fail(Fault(turns.stack.function(state), meant(state), TRIES))
    assert turns.run().outcome == "RolledBack"
    turns.assert_at_rest()
    assert turns.active == before
    assert len(turns.files(WEB.name)) == len(WEB.files)
    turns.assert_rotates()
    assert turns.made() == {"shop_user": 1, "shop_password": 1, "shop_login": 2}


@only_in_the_whole
def test_an_engine_that_is_killed_in_the_middle_costs_no_request_and_the_next_one_rotates(turns: SwarmTurns) -> None:
    """A worker's. Its tasks go on serving the old login. When it is back they end, and where the Swarm takes that for a failure of
    the update, it pauses it: then all is put back."""
    killed: list[str] = []
    run = turns.follow(
        {
            "PrepareService": lambda: killed.append(turns.kill_engine(WORKER)),
            "WaitForPreparation": lambda: turns.start_engine(killed[0]),
        }
    )
    assert run.outcome in ("RotationSucceeded", "RolledBack"), run.cause
    turns.assert_at_rest()
    turns.assert_rotates()


@only_in_the_whole
def test_the_only_manager_s_engine_that_is_killed_costs_no_request_and_the_next_one_rotates(turns: SwarmTurns) -> None:
    """Until it is back nobody can be asked or told anything. Its own tasks end when it comes back, the workers' serve on."""
    back: list[threading.Timer] = []

    def kill_for_a_while() -> None:
        back.append(threading.Timer(AWAY_SECONDS, turns.stack.swarm.start, [turns.kill_engine(MANAGER)]))
        back[0].start()

    run = turns.follow({"PrepareService": kill_for_a_while})
    back[0].join()
    assert run.outcome in ("RotationSucceeded", "RolledBack"), run.cause
    turns.assert_at_rest()
    turns.assert_rotates()


@only_in_the_whole
@pytest.mark.parametrize("direction", [FORWARD, RETIRE, RESTORE])
def test_a_rotation_outlives_the_death_of_every_function(direction: str, blows: Blows) -> None:
    blows.assert_outlived(direction)


@only_in_the_whole
@pytest.mark.parametrize(("state", "direction"), STOPS)
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(state: str, direction: str, blows: Blows) -> None:
    blows.assert_carried_on(state, direction)
