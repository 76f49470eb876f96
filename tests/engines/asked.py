"""AWS's TestState: one state at a time, by AWS itself, for nothing but a question. A question is what a scripted run came to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.engines.mocked import definitions
from tests.engines.recorded import Recorded, as_mocked
from tests.statemachine.interpreted import Step
from tests.statemachine.machine import State, shipped, states

STATES = states(shipped())


@dataclass(frozen=True)
class Question:
    state: str
    asked: dict[str, Any]
    """The call's arguments, but for the definition."""
    next: str
    """Where the interpreter goes; empty: it ends, or tries again."""

    @property
    def key(self) -> str:
        """Two that differ only in what the run has carried along ask the same."""
        return json.dumps([self.state, self.asked.get("mock"), self.next], sort_keys=True)


def questions(runs: Sequence[Recorded]) -> list[Question]:
    """Of each state and answer one for each place where that leads."""
    found = (one for run in runs for step in run.steps for one in _question(step))
    return list({one.key: one for one in reversed(list(found))}.values())


def needs_a_context(state: State) -> bool:
    """TestState takes a context only with a mock, and a mock only for a Task."""
    return state["Type"] != "Task" and "$$." in json.dumps(state)


def _question(step: Step) -> Iterator[Question]:
    """Of the first try of a Task. A Wait waits, and a Map wants what came of all its items."""
    state = STATES[step.before.state]
    if state["Type"] in ("Map", "Wait") or needs_a_context(state) or any(step.before.frame.tries):
        return
    asked: dict[str, Any] = {"stateName": step.before.state, "input": json.dumps(step.before.frame.data)}
    if state["Type"] == "Task":
        asked |= {"mock": _mock(as_mocked(step)), "context": json.dumps(step.before.who.context)}
    yield Question(step.before.state, asked, "" if step.after.ended or not step.enters else step.after.state)


def _mock(told: dict[str, Any]) -> dict[str, Any]:
    if "Return" in told:
        return {"result": json.dumps(told["Return"])}
    return {"errorOutput": {"error": told["Throw"]["Error"], "cause": told["Throw"]["Cause"]}}


def differs(client: Any, question: Question) -> str:
    """What AWS says otherwise; empty if nothing."""
    said = client.test_state(definition=definitions()["rotation"], inspectionLevel="INFO", **question.asked)
    found = said.get("nextState", "")
    if found == question.next:
        return ""
    return f"{question.state}: {found or said['status']}, and not {question.next or 'an end or another try'}"
