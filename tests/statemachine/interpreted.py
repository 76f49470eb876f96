"""The same executions, with the same scripts, by our own interpreter: it must pass what the engine passes."""

import json
from typing import Any

from tests.statemachine.happy import answered
from tests.statemachine.machine import definition_text
from tests.statemachine.runs import Case, Execution, Visit
from tests.statemachine.scripted import Answer, Hangs, Raises, Refused, ScriptedLambda
from tests.worlds import history
from tests.worlds.asl import Identity, Machine, Place

MOST_STEPS = 5_000


def interpret(case: Case, functions: ScriptedLambda) -> Execution:
    _, make = case.definition
    machine = Machine(json.loads(definition_text(make())))
    name = f"interpreted-{case.name}"
    functions.expect(name, case.script)
    place = machine.begin(Identity(f"arn:aws:states:us-east-1:123456789012:execution:it:{name}", name, case.given, "now"))
    visits, kept = [_visit(place)], history.BEGIN
    for _ in range(MOST_STEPS):
        if place.ended:
            break
        before, place = place, _advance(machine, place, functions)
        visits += _entered(before, place)
        kept += history.events(machine, before, place)
    assert place.ended, f"{case.name} does not end"
    return Execution(name, place.status, place.error, place.cause, visits, kept, functions.invocations(name))


def _advance(machine: Machine, place: Place, functions: ScriptedLambda) -> Place:
    if machine.at(place)["Type"] != "Task":
        return machine.step(place)[0]
    call = machine.call(place)
    function = call.function.rpartition(":")[2]
    answer = functions.answer(function, call.event)
    failure = _failure(answer)
    if failure:
        return machine.failed(place, *failure)[0]
    assert isinstance(answer, dict)
    return machine.answered(place, answered(function, call.event, answer))


def _failure(answer: Answer) -> tuple[str, str] | None:
    if isinstance(answer, Hangs):
        return "States.Timeout", ""
    if isinstance(answer, Refused):
        return f"Lambda.{answer.code}", "made up"
    return (answer.error, json.dumps(answer.payload)) if isinstance(answer, Raises) else None


def _entered(before: Place, after: Place) -> list[Visit]:
    """A failed try of the same Task enters nothing; nor does a Map that has one more item to do."""
    if after.ended or (after.frame.tries and after.state == before.state):
        return []
    return [_visit(after)]


def _visit(place: Place) -> Visit:
    text: Any = json.dumps(place.frame.data, separators=(",", ":"))
    return Visit(place.state, text)
