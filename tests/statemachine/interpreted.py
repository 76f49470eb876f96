"""The same executions, with the same scripts, by our own interpreter: it must pass what the engine passes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.statemachine.happy import answered
from tests.statemachine.machine import definition_text
from tests.statemachine.runs import Case, Execution, Visit
from tests.statemachine.scripted import Answer, Hangs, Raises, Refused, ScriptedLambda
from tests.worlds import history
from tests.worlds.asl import Identity, Machine, Place

MOST_STEPS = 5_000
READ: dict[str, Machine] = {}


@dataclass(frozen=True)
class Step:
    """From one place to the next."""

    before: Place
    after: Place
    answer: Answer | None = None
    """Of a Task's function."""
    payload: Any = None
    """What it answered, if it did."""

    @property
    def enters(self) -> bool:
        """Another state. A failed try of the same Task enters nothing; nor does a Map that has one more item to do."""
        return not self.after.ended and not (self.after.frame.tries and self.after.state == self.before.state)


def interpret(case: Case, functions: ScriptedLambda) -> Execution:
    steps = list(walk(case, functions))
    machine, place = _machine(case), steps[-1].after
    visits = [_visit(steps[0].before), *(_visit(one.after) for one in steps if one.enters)]
    kept = history.BEGIN + sum(history.events(machine, one.before, one.after) for one in steps)
    name = place.who.name
    return Execution(name, place.status, place.error, place.cause, visits, kept, functions.invocations(name))


def walk(case: Case, functions: ScriptedLambda) -> Iterator[Step]:
    """From its beginning to its end."""
    machine, name = _machine(case), f"interpreted-{case.name}"
    functions.expect(name, case.script)
    place = machine.begin(Identity(f"arn:aws:states:us-east-1:123456789012:execution:it:{name}", name, case.given, "now"))
    for _ in range(MOST_STEPS):
        step = _advance(machine, place, functions)
        yield step
        place = step.after
        if place.ended:
            return
    raise AssertionError(f"{case.name} does not end")


def _machine(case: Case) -> Machine:
    """Read once: there are few definitions, and many runs."""
    name, make = case.definition
    if name not in READ:
        READ[name] = Machine(json.loads(definition_text(make())))
    return READ[name]


def _advance(machine: Machine, place: Place, functions: ScriptedLambda) -> Step:
    if machine.at(place)["Type"] != "Task":
        return Step(place, machine.step(place)[0])
    call = machine.call(place)
    function = call.function.rpartition(":")[2]
    answer = functions.answer(function, call.event)
    failure = _failure(answer)
    if failure:
        return Step(place, machine.failed(place, *failure)[0], answer)
    assert isinstance(answer, Mapping)
    payload = answered(function, call.event, answer)
    return Step(place, machine.answered(place, payload), answer, payload)


def _failure(answer: Answer) -> tuple[str, str] | None:
    if isinstance(answer, Hangs):
        return "States.Timeout", ""
    if isinstance(answer, Refused):
        return f"Lambda.{answer.code}", "made up"
    return (answer.error, json.dumps(answer.payload)) if isinstance(answer, Raises) else None


def _visit(place: Place) -> Visit:
    text: Any = json.dumps(place.frame.data, separators=(",", ":"))
    return Visit(place.state, text)
