"""PutSecret and CheckDrained where what is in a place gets to those who use it bit by bit."""

import pytest
from rotation.core.errors import ConsumerFunctionConflict, DrainTooSlow, RolloutTooSlow
from rotation.core.model import Direction, Slot
from rotation.core.rollout import EARLY_POLL_SECONDS
from rotation.steps.flip_slot import flip_slot
from rotation.steps.publish import SPREADING, publish
from rotation.steps.validate_app import validate_app

from tests.worlds.own_function import SPREAD_SECONDS, FunctionWorld
from tests.worlds.run import Event, Run, refused
from tests.worlds.world import login

BACK = {"direction": str(Direction.RESTORE), "entry": "A"}


@pytest.fixture
def world() -> FunctionWorld:
    return FunctionWorld()


@pytest.fixture
def run(world: FunctionWorld) -> Run:
    return Run(world).to_publish()


def put(run: Run, before: Event | None = None, **more: object) -> Event:
    return run.ask(publish, consumer={"index": 0}, put=before or {}, **more)


def test_it_is_put_and_waited_for_from_the_first_time_on(world: FunctionWorld, run: Run) -> None:
    first = put(run)
    assert (first["changed"], first["status"], first["wait_seconds"]) == (True, SPREADING, EARLY_POLL_SECONDS)
    assert world.held.same_login(login(Slot.B))
    world.clock += SPREAD_SECONDS - 1
    again = put(run, first)
    assert (again["changed"], again["status"], again["began"]) == (False, SPREADING, first["began"])
    world.clock += 1
    assert put(run, again)["status"] == "waiting"


def test_the_version_is_current_as_soon_as_the_function_has_it(world: FunctionWorld, run: Run) -> None:
    put(run)
    assert world.handed.labels().current == world.function.placed.version


def test_one_that_never_arrives_everywhere_ends_in_an_error_that_says_so(world: FunctionWorld, run: Run) -> None:
    first = put(run)
    world.function.placed = world.function.placed._replace(past=((1e9, login(Slot.A)),))
    world.clock += world.target.rollout_deadline_seconds + 1
    with refused(world, RolloutTooSlow, "1 have not what it holds yet"):
        put(run, first)


def test_the_way_back_closes_with_a_version_more_and_waits_for_nobody(world: FunctionWorld, run: Run) -> None:
    before = world.handed.labels().current
    put(run)
    forward = world.function.placed.version
    assert put(run, **BACK)["status"] == "waiting"
    assert world.held.same_login(login(Slot.A))
    assert world.function.placed.version == world.handed.labels().current
    assert world.function.placed.version not in (before, forward)


def test_a_put_of_a_run_that_was_taken_for_dead_finds_that_it_has_lost(world: FunctionWorld, run: Run) -> None:
    late = world.traffic()
    held = world.function.placed.version
    put(run)
    put(run, **BACK)
    stale = late._request("put", world.handed.labels().previous, rotation="late", expects=held, not_after="2001-01-01T00:00:00Z")
    with refused(world, ConsumerFunctionConflict, "conflict"):
        late._function.ask("put", stale)
    assert world.held.same_login(login(Slot.A))


def flipped(world: FunctionWorld, run: Run) -> None:
    put(run)
    run.ask(validate_app)
    run.ask(flip_slot)


def test_the_quiet_period_begins_when_everybody_has_it(world: FunctionWorld, run: Run) -> None:
    flipped(world, run)
    assert run.check_drained()["quiet_since"] is None
    world.clock += SPREAD_SECONDS
    world.look_at_sessions()
    assert run.check_drained()["quiet_since"] == world.clock
    world.clock += world.target.quiet_seconds
    assert run.check_drained()["status"] == "drained"


def test_a_drain_that_ends_too_late_names_who_is_waited_for(world: FunctionWorld, run: Run) -> None:
    flipped(world, run)
    run.check_drained()
    world.function.placed = world.function.placed._replace(past=((1e9, login(Slot.A)),))
    world.clock += world.target.drain_deadline_seconds + 1
    with refused(world, DrainTooSlow, "1 have not what it holds yet"):
        run.check_drained()
