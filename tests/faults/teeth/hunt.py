"""Looking for one mutation: without a fault first, then with one, then with two executions at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.faults.calls.scenarios import SCENARIOS, Scenario
from tests.faults.crowd.rivals import Rivals
from tests.faults.teeth.mutation import Mutation
from tests.faults.walk.explorer import Explorer
from tests.faults.walk.search import Found
from tests.worlds.invocation import known_passwords
from tests.worlds.living import LivingWorld


@dataclass(frozen=True)
class Caught:
    """The first thing found, with as few faults as it takes."""

    mutation: str
    scenario: str
    faults: int
    found: Found


def hunt(mutation: Mutation) -> Caught | None:
    with known_passwords(), mutation.apply():
        if mutation.check:
            found = mutation.check()
            return Caught(mutation.name, mutation.seen_in[0], 1, found) if found else None
        return next(_hunts(mutation), None)


def by_a_law(found: Found) -> bool:
    """A mutation that breaks the code itself has shown nothing."""
    return found.law != "error"


def _hunts(mutation: Mutation) -> Iterator[Caught]:
    for faults in (0, 1):
        for name in mutation.seen_in:
            report = Explorer(_in_its_world(mutation, SCENARIOS[name]), strike_at=mutation.strike_at).explore(faults)
            yield from (Caught(mutation.name, name, faults, found) for found in report.found if by_a_law(found))
    for modes, stops in (("rotate", "rotate"), 0), (("rotate",), 1):
        if mutation.rivals:
            rivals = Rivals(_in_its_world(mutation, SCENARIOS["from A"]), modes, stops=stops, interruptions=2)
            rivals.explore()
            yield from (
                Caught(mutation.name, "two at once" if not stops else "stopped, and the next", stops, found)
                for found in rivals.found
                if by_a_law(found)
            )


def _in_its_world(mutation: Mutation, scenario: Scenario) -> Scenario:
    def world() -> LivingWorld:
        made = scenario.world()
        mutation.world(made)
        return made

    return replace(scenario, world=world)
