"""One stem everywhere: a state, its function's folder, its event, its logical id, its step. And the machine and the layer use
the same names for errors."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rotation.core import errors
from rotation.core.errors import RotationError, TransientError
from rotation.core.model import Mode
from rotation.protocol.probes import NEEDS

from local.deploy import translate
from local.yaml_text import read_yaml

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir())
FLEET = ("find_due", "start_target", "look_at_target", "decide_wave", "report_fleet")
"""The states of the fleet's machine: tests/unit/test_fleet_machine.py."""
ENTRIES = {"tell_outcome": "listener", "rotate_secret": "rotator", **dict.fromkeys(FLEET, "leader")}
"""The functions that are no states of the machine, and what wraps them: EventBridge calls the one when an execution has ended,
Secrets Manager the other when it rotates a secret by itself, and a machine of its own those of the fleet."""
MODES = "modes"
"""The folder of events/ with an input of the machine per mode."""

each_function = pytest.mark.parametrize("stem", FOLDERS)
each_step = pytest.mark.parametrize("stem", [stem for stem in FOLDERS if stem not in ENTRIES])


@cache
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = read_yaml((ROOT / "statemachine/rotation.asl.yaml").read_text())
    return definition


def states(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those inside a Map too."""
    for name, state in node.get("States", {}).items():
        yield name, state
        yield from states(state.get("ItemProcessor", {}))


PROBE = "ProbeFunction"
"""The one Task that invokes any function, each in turn: those that are listed for it."""
TASKS = {name: state for name, state in states(machine()) if state["Type"] == "Task"}
each_task = pytest.mark.parametrize("name", TASKS)


def snake(pascal: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", pascal).lower()


def pascal(stem: str) -> str:
    return "".join(word.capitalize() for word in stem.split("_"))


STEPS = {name: state for name, state in TASKS.items() if name != PROBE}


def function_of(state: dict[str, Any]) -> str:
    """The stem that a Task invokes."""
    match = re.fullmatch(r"\$\{(\w+)FunctionArn\}", state["Parameters"]["FunctionName"])
    assert match, state["Parameters"]["FunctionName"]
    return snake(match[1])


# ---- state ↔ folder ↔ logical id ↔ step ↔ event ------------------------------------------------------------------------------


def test_the_machine_invokes_every_step_there_is_and_no_other() -> None:
    assert {function_of(state) for state in STEPS.values()} == set(FOLDERS) - set(ENTRIES)


def test_every_function_is_probed_but_the_one_that_gathers_what_they_found() -> None:
    listed = [(one["name"], one["arn"]) for one in machine()["States"]["ListFunctions"]["Result"]]
    assert sorted(name for name, _ in listed) == sorted(set(FOLDERS) - {"verify", *ENTRIES}) == sorted(NEEDS)
    assert [arn for _, arn in listed] == [f"${{{pascal(name)}FunctionArn}}" for name, _ in listed]


@each_step
def test_a_function_is_called_as_a_state_that_invokes_it(stem: str) -> None:
    assert function_of(TASKS[pascal(stem)]) == stem


def test_a_state_that_is_called_otherwise_is_another_look_or_phase_of_the_same_function() -> None:
    others = {name: function_of(state) for name, state in STEPS.items() if snake(name) != function_of(state)}
    phases = dict.fromkeys(("ValidateService", "CutOverService", "CleanUpService"), "prepare_service")
    assert others == {"CheckStillDrained": "check_drained", **phases}


@cache
def deployed() -> dict[str, str]:
    """Logical id to folder of every function of the translated template."""
    functions = {k: r for k, r in translate(ROOT)["Resources"].items() if r["Type"] == "AWS::Lambda::Function"}
    assert {function["Properties"]["Handler"] for function in functions.values()} == {"app.lambda_handler"}
    return {name: function["Properties"]["Code"]["S3Key"].strip("/") for name, function in functions.items()}


def test_a_functions_logical_id_is_its_stem() -> None:
    assert deployed() == {f"{pascal(stem)}Function": f"functions/{stem}" for stem in FOLDERS}


def test_every_function_has_an_event_and_there_is_no_other() -> None:
    assert sorted(path.name for path in (ROOT / "events").glob("*.json")) == [f"{stem}.json" for stem in FOLDERS]


def inputs() -> dict[str, str]:
    """Name to mode of every input of the machine; an input that names none means rotate."""
    files = (ROOT / "events" / MODES).glob("*.json")
    return {path.stem: json.loads(path.read_text()).get("mode", Mode.ROTATE) for path in files}


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_has_an_input_of_its_name(mode: Mode) -> None:
    assert inputs()[mode] == mode


def test_every_input_asks_for_a_mode_that_exists() -> None:
    assert set(inputs().values()) <= set(Mode)


# ---- a function only wires ---------------------------------------------------------------------------------------------------


@each_function
def test_nothing_but_the_handler_is_in_a_functions_folder(stem: str) -> None:
    found = [path.name for path in (ROOT / "functions" / stem).iterdir() if path.name != "__pycache__"]
    assert found == ["app.py"]


@each_function
def test_a_handler_is_short_and_says_what_it_is(stem: str) -> None:
    text = (ROOT / "functions" / stem / "app.py").read_text()
    assert len(text.splitlines()) <= 30
    assert (ast.get_docstring(ast.parse(text)) or "").startswith(f"{pascal(stem)}: ")


@each_function
def test_a_handler_wires_one_step_of_the_layer_and_does_nothing_else(stem: str) -> None:
    """Docstring, two imports of ours, `lambda_handler = handler(step, "stem")`: nothing to test, nothing to go wrong."""
    wrapper = ENTRIES.get(stem, "handler")
    _, first, second, last = ast.parse((ROOT / "functions" / stem / "app.py").read_text()).body
    assert ast.unparse(first) == f"from rotation.runtime.entry import {wrapper}"
    assert isinstance(second, ast.ImportFrom)
    assert re.fullmatch(r"rotation\.steps\.\w+", second.module or "")
    assert ast.unparse(last) == f"lambda_handler = {wrapper}({second.names[0].name}, {stem!r})"


def test_every_step_of_the_layer_is_wired() -> None:
    """`publish` by every consumer that holds a credential, any other by the function of its name."""
    wired = {path.parent.name: re.findall(r"rotation\.steps\.(\w+)", path.read_text()) for path in ROOT.glob("functions/*/app.py")}
    steps = {path.stem for path in (ROOT / "layers/rotation/rotation/steps").glob("*.py")} - {"__init__"}
    assert {step for found in wired.values() for step in found} == steps
    assert {stem for stem, found in wired.items() if found != [stem]} == {
        stem for stem, found in wired.items() if found == ["publish"]
    }


# ---- the same names for errors -----------------------------------------------------------------------------------------------

AWS = ("Lambda.", "States.", "Sandbox.", "Runtime.")


def ours(entries: list[dict[str, Any]]) -> set[str]:
    return {name for entry in entries for name in entry["ErrorEquals"] if not name.startswith(AWS)}


def transient() -> set[str]:
    return {one.__name__ for one in TransientError.__subclasses__()}


@each_task
def test_every_task_retries_exactly_the_transient_errors(name: str) -> None:
    assert ours(TASKS[name]["Retry"]) == transient()


@each_task
def test_every_task_catches_by_names_that_exist(name: str) -> None:
    caught = ours(TASKS[name]["Catch"])
    assert {one for one in caught if not issubclass(getattr(errors, one, type), RotationError)} == set()
    assert not caught & transient()


@each_task
def test_whatever_else_fails_has_a_way_out(name: str) -> None:
    assert TASKS[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_a_failure_inside_publish_is_caught_by_a_name_that_is_thrown_there() -> None:
    """A Map hands on the names of its Fail states, not those of the layer."""
    publish = next(state for name, state in states(machine()) if name == "Publish")
    thrown = {state["Error"] for _, state in states(publish["ItemProcessor"]) if state["Type"] == "Fail"}
    assert ours(publish["Catch"]) <= thrown
    assert publish["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_every_mode_that_the_machine_knows_is_one_of_the_layers() -> None:
    choices = machine()["States"]["ChooseMode"]["Choices"]
    assert set(re.findall(r"'StringEquals': '([\w-]+)'", str(choices))) == set(Mode)
