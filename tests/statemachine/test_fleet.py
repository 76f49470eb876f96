"""The fleet's machine on an engine over simulated targets: who is touched when some fail.

How many at once: test_fleet_server.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rotation.fleet.outcome import Outcome
from rotation.fleet.waves import Item, in_waves

from tests.fleet.simulated import ROTATION_CALLS, ROTATION_TRANSITIONS, Bench, World
from tests.pages import README

SIZE = 12
EACH = [f"t{number:04}" for number in range(SIZE)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("fleet"), hurried=True) as bench:
        yield bench


def test_a_canary_that_fails_spares_everybody_else(bench: Bench) -> None:
    world = World(bench.s3, SIZE, flip_seconds=0, failing=frozenset(EACH))
    found = bench.run("canary", world)
    assert (found.end, found.begun, world.calls["states:StartExecution"]) == ("FleetStopped", 2, 2)
    assert found.report["counts"] == {"failed": 2, "not begun": SIZE - 2}


def test_a_function_that_dies_leaves_its_target_failed_and_the_run_at_its_end(bench: Bench) -> None:
    """Every try of StartTarget fails for one target: it has no outcome, which counts."""
    world = World(bench.s3, SIZE, flip_seconds=0, broken=frozenset({_not_a_canary("died")}))
    found = bench.run("died", world, percent=10)
    assert (found.end, found.report["counts"]) == ("FleetUnfinished", {Outcome.ROTATED: SIZE - 1, Outcome.NOT_SAID: 1})


def _not_a_canary(run: str) -> str:
    items = [Item(name, ("mysql", "postgresql")[int(name[1:]) % 2], frozenset(), "") for name in EACH]
    return in_waves(items, run)[-1][0].target


def test_what_a_rotation_itself_costs_is_what_the_page_says() -> None:
    assert f"{ROTATION_CALLS} calls of Secrets Manager" in README
    assert f"{ROTATION_TRANSITIONS} transitions" in README
