"""One execution from its begin to its end, undisturbed: every state as it is shipped, with the steps behind it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.calls.machinery import begun, function_at, invocation, machine
from tests.worlds import history
from tests.worlds.asl import Place
from tests.worlds.invocation import Answered, Failed
from tests.worlds.living import LivingWorld


@dataclass
class Walked:
    """An execution from its begin to its end."""

    place: Place
    events: int = history.BEGIN
    largest: int = 0
    """Of all that a state was given, asked or answered, in bytes."""
    calls: tuple[str, ...] = ()

    def weigh(self, *carried: Any) -> None:
        self.largest = max(self.largest, *(len(json.dumps(one).encode()) for one in carried))


def walk(
    world: LivingWorld,
    meanwhile: Mapping[str, Callable[[], object]] | None = None,
    *,
    name: str = "run-1",
    mode: str = "rotate",
) -> Walked:
    """`meanwhile`: what somebody does before the function of that name is called for the first time."""
    left = dict(meanwhile or {})
    walked = Walked(begun(name, mode))
    world.alive = {walked.place.who.id}
    while not walked.place.ended:
        before = walked.place
        walked.weigh(*(frame.data for frame in before.frames))
        if machine().at(before)["Type"] == "Task":
            function, event = function_at(before)
            left.pop(function, lambda: None)()
            walked.calls += (function,)
            walked.place, waited = _answered(walked, before, function, event, world)
        else:
            walked.place, waited = machine().step(before)
        walked.events += history.events(machine(), before, walked.place)
        world.pass_time(waited)
    return walked


def _answered(walked: Walked, place: Place, function: str, event: dict[str, Any], world: LivingWorld) -> tuple[Place, float]:
    outcome = invocation(world, function, event, place.who.name).run()
    if isinstance(outcome, Answered):
        walked.weigh(event, outcome.payload)
        return machine().answered(place, json.loads(json.dumps(outcome.payload))), 0.0
    assert isinstance(outcome, Failed)
    told = json.dumps({"errorMessage": outcome.cause})
    walked.weigh(event, told)
    return machine().failed(place, outcome.error, told)
