"""Every scripted run, as the interpreter walks it: which state got which answer, and where that led."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.statemachine.interpreted import Step, walk
from tests.statemachine.machine import ROOT
from tests.statemachine.runs import Case
from tests.statemachine.scripted import Hangs, Raises, Refused, ScriptedLambda

MADE_UP = "made up"


@dataclass(frozen=True)
class Recorded:
    """A run and what came of it."""

    case: Case
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """As a test case of Step Functions Local may be called."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.case.name).strip("-")

    @property
    def machine(self) -> str:
        """Which definition it needs: as it is shipped, or with a shorter back-off. That a function hangs is thrown at once."""
        return "rotation-hurried" if self.case.hurried else "rotation"

    @property
    def path(self) -> list[str]:
        """The states that were entered."""
        return [self.steps[0].before.state, *(one.after.state for one in self.steps if one.enters)]

    @property
    def status(self) -> str:
        return self.steps[-1].after.status

    def answers(self) -> dict[str, list[list[dict[str, Any]]]]:
        """By state: of each visit, what its tries got."""
        found: dict[str, list[list[dict[str, Any]]]] = {}
        for step in self.steps:
            if step.answer is None:
                continue
            visits = found.setdefault(step.before.state, [])
            if not any(step.before.frame.tries):
                visits.append([])
            visits[-1].append(as_mocked(step))
        return found


def as_mocked(step: Step) -> dict[str, Any]:
    """What a function answered, as Step Functions Local and TestState are told of it."""
    answer = step.answer
    if isinstance(answer, Hangs):
        return {"Throw": {"Error": "States.Timeout", "Cause": MADE_UP}}
    if isinstance(answer, Refused):
        return {"Throw": {"Error": f"Lambda.{answer.code}", "Cause": MADE_UP}}
    if isinstance(answer, Raises):
        return {"Throw": {"Error": answer.error, "Cause": json.dumps(answer.payload)}}
    return {"Return": {"StatusCode": 200, "Payload": step.payload}}


def recorded() -> list[Recorded]:
    """All of them."""
    with ScriptedLambda() as functions:
        return [Recorded(case, tuple(walk(case, functions))) for case in cases()]


def cases() -> list[Case]:
    """Each that a test of tests/statemachine asks for, once."""
    modules = sorted((ROOT / "tests/statemachine").glob("test_*.py"))
    found = (case for path in modules for case in asked_for(importlib.import_module(f"tests.statemachine.{path.stem}")))
    return list({case.name: case for case in found}.values())


def asked_for(module: ModuleType) -> Iterator[Case]:
    for test in vars(module).values():
        for mark in getattr(test, "pytestmark", ()):
            if mark.name == "parametrize":
                yield from _of(*mark.args[:2])


def _of(names: str | Sequence[str], rows: Sequence[Any]) -> Iterator[Case]:
    listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    if "run" not in listed:
        return
    place = listed.index("run")
    for row in rows:
        values = getattr(row, "values", row)
        value = values if isinstance(values, Case) else values[place]
        if isinstance(value, Case):
            yield value


def says_the_same_each_time(visits: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    """Then it does not matter whether an engine counts the calls of a state, or the tries of a visit."""
    return len(visits) == 1 or len({json.dumps(one, sort_keys=True) for visit in visits for one in visit}) == 1
