"""A fleet's run is throttled, stopped, loses its functions or a server: every target is whole, and the next run finishes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from rotation.core.errors import SecretStoreUnavailable, TargetStoreUnavailable
from rotation.fleet.report import LONGEST
from rotation.fleet.waves import Item, in_waves

from tests.fleet.simulated import Accident, Bench, Of, Result, World
from tests.until import until
from tests.whole import only_in_the_whole, whole

SIZE = 9
EACH = [f"t{number:04}" for number in range(SIZE)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("fleet"), hurried=True) as bench:
        yield bench


@dataclass
class Unlucky(World):
    """What befalls it is said by a function's name and how often that was invoked."""

    befalls: Callable[[str, int], Accident | None] = lambda _, __: None
    throttled: int = 0
    """Of so many calls of Secrets Manager one is refused, while targets are rotated; 0: none."""
    refused: int = field(default=0, init=False)
    lists_refused: int = 0
    """So many calls of Parameter Store are refused, which is asked for documents and for holds."""

    def accident(self, function: str, number: int) -> Accident | None:
        return self.befalls(function, number)

    def count(self, call: str, of: Of | None = None) -> None:
        super().count(call, of)
        in_turn = getattr(self.asking, "of", None) is Of.TARGET
        if self.lists_refused and call.startswith("ssm:"):
            self.lists_refused -= 1
            raise TargetStoreUnavailable("throttled, made up")
        if self.throttled and in_turn and call.startswith("secretsmanager:") and self.calls[call] % self.throttled == 0:
            self.refused += 1
            raise SecretStoreUnavailable("throttled, made up")


def world(bench: Bench, **more: object) -> Unlucky:
    return Unlucky(bench.s3, SIZE, **{"servers": 3, "flip_seconds": 0, **more})  # type: ignore[arg-type] - fields of all types


def at_rest(made: World) -> bool:
    """What was begun has ended one way or the other. (Each was begun once at most: the world refuses a second.)"""
    return not any(one.at_work for one in made.records.values())


def all_rotated_by(bench: Bench, name: str, made: Unlucky) -> Result:
    """By a run that nothing befalls."""
    made.befalls, made.throttled = lambda _, __: None, 0
    made.mend()
    found = bench.run(name, made)
    assert found.end == "FleetRotated"
    assert all(one.flipped for one in made.records.values())
    return found


def assert_short(cause: str, function: str) -> None:
    """`function`: whose failure it is; empty where it is that of targets, and the report says whose."""
    assert 0 < len(cause) <= LONGEST
    assert not re.search(r'[{}\n]|\\"|stackTrace', cause)
    assert f"{function} failed with UnexpectedError" in cause if function else "More: rotation fleet report " in cause
    assert re.search(r"rotation fleet (start|report)", cause)


def rotated(made: World) -> set[str]:
    return {name for name, one in made.records.items() if one.flipped}


def test_secrets_manager_throttles_and_everything_is_tried_again(bench: Bench) -> None:
    made = world(bench, throttled=3)
    found = bench.run("throttled", made)
    assert (found.end, made.refused > SIZE // 2) == ("FleetRotated", True)
    assert rotated(made) == set(EACH)


@pytest.mark.parametrize(("refused", "asked", "end"), [(3, 4, "FleetRotated"), whole(7, 7, "FleetNotBegun")])
def test_parameter_store_throttles_who_looks_what_is_due(bench: Bench, refused: int, asked: int, end: str) -> None:
    """It is asked seven times at most: then no target was touched, and the next run finds them all."""
    made = world(bench, lists_refused=refused)
    found = bench.run(f"lists-{refused}", made)
    assert (found.end, found.invocations["FindDue"], made.lists_refused) == (end, asked, 0)
    if end == "FleetNotBegun":
        assert rotated(made) == set()
        all_rotated_by(bench, "lists-again", made)
    assert rotated(made) == set(EACH)


def test_lambda_throttles_the_first_invocations_of_each_function(bench: Bench) -> None:
    made = world(bench, befalls=lambda _, number: Accident.THROTTLED if number <= 3 else None)
    found = bench.run("concurrency", made)
    assert (found.end, found.invocations["StartTarget"]) == ("FleetRotated", SIZE + 3)
    assert rotated(made) == set(EACH)


@pytest.mark.parametrize("when", [whole(Accident.BEFORE, id="before"), pytest.param(Accident.AFTER, id="after")])
def test_every_function_is_killed_once(bench: Bench, when: Accident) -> None:
    """Killed when all was done, it is asked again, and nothing is done twice: the world would have refused it."""
    made = world(bench, befalls=lambda _, number: when if number == 1 else None)
    found = bench.run(f"killed-{when.name}", made)
    assert found.end == "FleetRotated"
    assert rotated(made) == set(EACH)
    assert [len(one.executions) for one in made.records.values()] == [1] * SIZE
    assert set(found.invocations) == {"FindDue", "StartTarget", "LookAtTarget", "DecideWave", "ReportFleet"}


@pytest.mark.parametrize(
    ("function", "end", "touched"),
    [("DecideWave", "FleetStopped", 2), whole("FindDue", "FleetNotBegun", 0), whole("ReportFleet", "FleetNotTold", SIZE)],
)
def test_a_function_that_never_answers_ends_the_run_and_the_next_one_goes_on(
    bench: Bench, function: str, end: str, touched: int
) -> None:
    made = world(bench, befalls=lambda name, _: Accident.BUG if name == function else None)
    found = bench.run(f"without-{function}", made)
    assert (found.end, len(rotated(made)), at_rest(made)) == (end, touched, True)
    assert_short(found.cause, function if end in ("FleetNotBegun", "FleetNotTold") else "")
    again = all_rotated_by(bench, f"with-{function}", made)
    assert again.begun == SIZE - touched


@only_in_the_whole
def test_targets_whose_turn_died_are_due_again(bench: Bench) -> None:
    """StartTarget never answers for the last wave: those said nothing, which counts as failed."""
    made = world(bench, befalls=lambda name, number: Accident.BUG if name == "StartTarget" and number > SIZE - 2 else None)
    found = bench.run("no-turn", made, percent=50)
    assert (found.end, len(rotated(made))) == ("FleetUnfinished", SIZE - 2)
    assert found.report["counts"] == {"rotated": SIZE - 2, "not said": 2}
    assert all_rotated_by(bench, "their-turn", made).begun == 2


def a_run_whose_canaries_are_not_at(server: int, prefix: str) -> str:
    items = [Item(name, ("mysql", "postgresql")[int(name[1:]) % 2], frozenset(), "") for name in EACH]
    names = (f"{prefix}-{number}" for number in range(1000))
    return next(name for name in names if all(int(one.target[1:]) % 3 != server for one in in_waves(items, name)[0]))


@pytest.mark.parametrize(("percent", "end"), [(50, "FleetUnfinished"), whole(10, "FleetStopped")])
def test_a_server_that_is_down_costs_its_own_targets_only(bench: Bench, percent: int, end: str) -> None:
    down = frozenset(name for name in EACH if int(name[1:]) % 3 == 1)
    made = world(bench, failing=down)
    found = bench.run(a_run_whose_canaries_are_not_at(1, f"down-{percent}"), made, percent=percent)
    if end == "FleetUnfinished":
        assert rotated(made) == set(EACH) - down
    assert (found.end, rotated(made) & down) == (end, set())
    before = rotated(made)
    again = all_rotated_by(bench, f"up-{percent}", made)
    assert again.begun == SIZE - len(before), "who was rotated is left alone"


def test_a_run_that_is_stopped_leaves_rotations_that_end_by_themselves(bench: Bench) -> None:
    made = world(bench, flip_seconds=0.5, servers=1)
    arn = bench.begin("stopped", made, per_place=1)
    until(lambda: bench.outcomes("stopped"))
    bench.stop(arn)
    until(lambda: at_rest(made))
    assert 0 < len(rotated(made)) < SIZE
    assert made.told == [], "the run itself says nothing any more"
    all_rotated_by(bench, "after-the-stop", made)
    assert [len(one.executions) for one in made.records.values()] == [1] * SIZE
