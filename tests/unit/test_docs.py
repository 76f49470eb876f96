"""README is held against the code: a parameter, mode, terminal state or make target that is not true there fails here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from rotation.core.classes import CLASSES, HOUR
from rotation.told.runbook import CUT_SHORT, ENDS, Urgency
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MACHINE: dict[str, Any] = yaml.safe_load((ROOT / "statemachine/rotation.asl.yaml").read_text())
PARAMETERS: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]


def section(title: str) -> str:
    """The text under a heading, down to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README has no section {title!r}"
    return found.group(1)


def first_column(text: str) -> list[str]:
    """What stands in backticks in the first column of the section's tables."""
    return [name for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def rows(text: str) -> dict[str, list[str]]:
    cells = (line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    return {first.strip().strip("`"): [cell.strip() for cell in rest] for first, *rest in cells}


def test_the_terminal_states_are_those_of_the_machine() -> None:
    terminals = {name for name, state in MACHINE["States"].items() if state["Type"] in ("Fail", "Succeed")}
    assert set(ENDS) == terminals


SAYS = {Urgency.NOTHING: "nothing", Urgency.LOOK: "a look", Urgency.PAGE: "**someone now**"}


def test_the_terminal_states_are_explained_as_the_runbook_does() -> None:
    """The message that wakes somebody says the same."""
    ends = {**ENDS, **CUT_SHORT}
    assert rows(section("It stopped: which terminal state?")) == {
        name: [SAYS[end.urgency], end.true, end.do] for name, end in ends.items()
    }


def test_the_modes_and_keys_of_the_input_are_those_that_the_machine_knows() -> None:
    choices = MACHINE["States"]["ChooseMode"]["Choices"]
    modes = {one["StringEquals"] for choice in choices for one in choice.get("Or", [choice])}
    assert set(rows(section("Execution input"))) == modes | set(MACHINE["States"]["Begin"]["Parameters"]["defaults"])
    said = MACHINE["States"]["EndAsUnknownMode"]["Result"]["said"]
    assert all(mode in said for mode in modes)


def test_the_parameters_are_those_of_the_template() -> None:
    assert first_column(section("Parameters")) == list(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameters_default_is_the_templates(name: str) -> None:
    default = PARAMETERS[name].get("Default")
    shown = rows(section("Parameters"))[name][0]
    assert shown == ("required" if default is None else f"`{default}`")


def test_the_classes_are_those_of_the_layer() -> None:
    shown = {name: cells for name, cells in rows(section("Schedule and alarms")).items() if name in CLASSES}
    assert shown == {
        name: [f"`{one.schedule}`", f"{one.overlap_seconds // HOUR} h", f"{one.overdue_days} days"] for name, one in CLASSES.items()
    }


@pytest.mark.parametrize(
    "metric", sorted(set(re.findall(r"\b[a-z]+(?:_[a-z]+){2,}\b", " ".join(first_column(section("Metrics"))))))
)
def test_a_metric_that_is_explained_is_one_that_goes_out(metric: str) -> None:
    layer = "".join(path.read_text() for path in (ROOT / "layers/rotation/rotation").rglob("*.py"))
    assert f'"{metric}"' in layer


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_error_named_exists() -> None:
    classes = set(re.findall(r"^class (\w+)", (ROOT / "layers/rotation/rotation/core/errors.py").read_text(), re.MULTILINE))
    assert set(first_column(section("The errors in a Cause"))) <= classes


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+)\)", README))))
def test_every_linked_file_exists(path: str) -> None:
    assert (ROOT / path).exists()
