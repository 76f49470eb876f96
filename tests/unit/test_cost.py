"""What a clean rotation costs: calls of Secrets Manager and logins, by step, as the steps make them in the living world.

The adapters and the machine are the shipped ones. docs/costs.md shows what is counted here.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from botocore import xform_name

from tests.faults.calls.machinery import begun, conclude, function_at, machine, settled
from tests.faults.calls.scenarios import Scenario, from_a
from tests.worlds.aws import SecretsManager
from tests.worlds.costs import CALLS, SUM, Row, documented
from tests.worlds.invocation import Answered, Invocation, known_passwords
from tests.worlds.living import LivingWorld

BEFORE, AFTER = "CheckDrained", "CheckStillDrained"
MOST_CALLS, MOST_LOGINS = 51, 23
"""Of a rotation whose drain is looked at twice."""


@dataclass(frozen=True)
class Look:
    state: str
    cost: Row


@pytest.fixture(scope="module")
def looks() -> list[Look]:
    """Each call of a function in one rotation from A, in their order."""
    made: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch, known_passwords():
        for name in CALLS:
            method = xform_name(name)
            patch.setattr(SecretsManager, method, _counted(name, getattr(SecretsManager, method), made))
        return list(_rotation(Scenario(from_a).begun(), made))


def _counted(name: str, call: Callable[..., object], made: Counter[str]) -> Callable[..., object]:
    def counted(self: SecretsManager, **given: object) -> object:
        made[name] += 1
        return call(self, **given)

    return counted


def _rotation(world: LivingWorld, made: Counter[str]) -> Iterator[Look]:
    place, _ = settled(world, begun("run", "rotate"))
    world.alive = {place.who.id}
    while not place.ended:
        function, event = function_at(place)
        state, tried = place.frames[-1].state, len(world.source.tried)
        made.clear()
        outcome = Invocation(world, function, event, function).run()
        assert isinstance(outcome, Answered), outcome
        yield Look(state, (*(made[name] for name in CALLS), len(world.source.tried) - tried))
        place, wait = conclude(world, place, outcome, pending=False)
        world.pass_time(wait)
        while not place.ended and machine().at(place)["Type"] != "Task":
            place, wait = settled(world, place)
            world.pass_time(wait)


def test_each_step_costs_what_the_page_says(looks: list[Look]) -> None:
    assert {look.state: look.cost for look in looks} == {state: row for state, row in documented().items() if state != SUM}


def test_every_look_of_the_drain_costs_the_same(looks: list[Look]) -> None:
    assert len({look.cost for look in looks if look.state == BEFORE}) == 1


def test_after_the_password_was_replaced_one_look_is_enough(looks: list[Look]) -> None:
    assert [look.state for look in looks].count(AFTER) == 1


def test_the_sum_is_that_of_a_rotation_whose_drain_is_looked_at_twice(looks: list[Look]) -> None:
    once = {look.state: look.cost for look in looks}
    rows = [*once.values(), once[BEFORE]]
    total = tuple(map(sum, zip(*rows, strict=True)))
    assert total == documented()[SUM]
    assert sum(total[:-1]) <= MOST_CALLS
    assert total[-1] <= MOST_LOGINS
