"""The shipped definition: read, walked, and made ready for an engine."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from local.yaml_text import read_yaml

ROOT = Path(__file__).parents[2]
ASL = ROOT / "statemachine" / "rotation.asl.yaml"
TARGET = "openemr"
State = dict[str, Any]


@cache
def shipped() -> State:
    """As it is in the repository. Not to be changed by whoever gets it."""
    definition: State = read_yaml(ASL.read_text())
    return definition


def scopes(machine: State) -> Iterator[State]:
    """The machine and what runs inside its Maps: each has a StartAt and States that know only each other."""
    yield machine
    for state in machine["States"].values():
        if state["Type"] == "Map":
            yield from scopes(state["ItemProcessor"])


def states(machine: State) -> dict[str, State]:
    return {name: state for scope in scopes(machine) for name, state in scope["States"].items()}


def tasks(machine: State) -> dict[str, State]:
    return {name: state for name, state in states(machine).items() if state["Type"] == "Task"}


def stem(name: str) -> str:
    """Of a state or a function's logical id: WriteSqlconf and WriteSqlconfFunctionArn are write_sqlconf."""
    bare = name.removesuffix("Arn").removesuffix("Function")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", bare).lower()


def function_of(task: State) -> str:
    """Of a Task that invokes one and the same; the one of mode verify asks any."""
    return stem(str(task["Parameters"]["FunctionName"]).strip("${}"))


def functions() -> set[str]:
    return {function_of(task) for task in tasks(shipped()).values() if "FunctionName" in task["Parameters"]}


def definition_text(machine: State) -> str:
    """With its substitutions: the function of each step is called by its stem."""

    def value(found: re.Match[str]) -> str:
        if found[1].endswith("FunctionArn"):
            return f"arn:aws:lambda:us-east-1:123456789012:function:{stem(found[1])}"
        return {"DefaultTarget": TARGET}[found[1]]

    return re.sub(r"\$\{(\w+)\}", value, json.dumps(machine))


def hurried() -> State:
    """The shipped definition with shorter back-off and nothing else: it waits for minutes, which shows nothing more than
    seconds do. How often a step is tried again, and on which errors, stays as shipped."""
    machine = copy.deepcopy(shipped())
    for state in states(machine).values():
        for retry in state.get("Retry", []):
            retry |= {"IntervalSeconds": 1, "MaxDelaySeconds": 2}
    return machine


def impatient(state: str) -> State:
    """Hurried, and one Task gives up on its function after three seconds, not 45: for a function that never answers."""
    machine = hurried()
    states(machine)[state]["TimeoutSeconds"] = 3
    return machine
