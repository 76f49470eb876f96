"""README and docs are held against the code: a parameter, mode, terminal state, figure or link that is not true fails here."""

import re
from typing import Any

import pytest
from rotation.core.classes import CLASSES, HOUR
from rotation.told.runbook import CUT_SHORT, ENDS, Urgency

from local.yaml_text import read_yaml
from tests.pages import PAGES, README, ROOT, anchors, first_column, rows, section
from tests.worlds.costs import transitions

MACHINE: dict[str, Any] = read_yaml((ROOT / "statemachine/rotation.asl.yaml").read_text())
PARAMETERS: dict[str, Any] = read_yaml((ROOT / "template.yaml").read_text())["Parameters"]
DEPLOYING, OPERATING = "docs/deploying.md", "docs/operating.md"


def test_the_terminal_states_are_those_of_the_machine() -> None:
    terminals = {name for name, state in MACHINE["States"].items() if state["Type"] in ("Fail", "Succeed")}
    assert set(ENDS) == terminals


SAYS = {Urgency.NOTHING: "nothing", Urgency.LOOK: "a look", Urgency.PAGE: "**someone now**"}


def test_the_terminal_states_are_explained_as_the_runbook_does() -> None:
    """The message that wakes somebody says the same."""
    ends = {**ENDS, **CUT_SHORT}
    assert rows(section("It stopped: which terminal state?", OPERATING)) == {
        name: [SAYS[end.urgency], end.true, end.do] for name, end in ends.items()
    }


def test_the_modes_and_keys_of_the_input_are_those_that_the_machine_knows() -> None:
    choices = MACHINE["States"]["ChooseMode"]["Choices"]
    modes = {one["StringEquals"] for choice in choices for one in choice.get("Or", [choice])}
    assert set(rows(section("Execution input", DEPLOYING))) == modes | set(MACHINE["States"]["Begin"]["Parameters"]["defaults"])
    said = MACHINE["States"]["EndAsUnknownMode"]["Result"]["said"]
    assert all(mode in said for mode in modes)


def test_the_parameters_are_those_of_the_template() -> None:
    assert first_column(section("Parameters", DEPLOYING)) == list(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameters_default_is_the_templates(name: str) -> None:
    default = PARAMETERS[name].get("Default")
    shown = rows(section("Parameters", DEPLOYING))[name][0]
    assert shown == ("required" if default is None else f"`{default}`")


def test_the_classes_are_those_of_the_layer() -> None:
    shown = {name: cells for name, cells in rows(section("Schedule and alarms", OPERATING)).items() if name in CLASSES}
    assert shown == {
        name: [f"`{one.schedule}`", f"{one.overlap_seconds // HOUR} h", f"{one.overdue_days} days"] for name, one in CLASSES.items()
    }


@pytest.mark.parametrize(
    "metric", sorted(set(re.findall(r"\b[a-z]+(?:_[a-z]+){2,}\b", " ".join(first_column(section("Metrics", OPERATING))))))
)
def test_a_metric_that_is_explained_is_one_that_goes_out(metric: str) -> None:
    layer = "".join(path.read_text() for path in (ROOT / "layers/rotation/rotation").rglob("*.py"))
    assert f'"{metric}"' in layer


def test_every_error_named_exists() -> None:
    classes = set(re.findall(r"^class (\w+)", (ROOT / "layers/rotation/rotation/core/errors.py").read_text(), re.MULTILINE))
    assert set(first_column(section("The errors in a Cause", OPERATING))) <= classes


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", PAGES[page])) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target.read_text()))):
            dead.append(link)
    assert dead == []


def test_every_page_is_one_click_from_the_front_page() -> None:
    linked = {path for path, _ in re.findall(r"\]\((docs/[\w-]+\.md)(#[\w-]+)?\)", README)}
    reports = {"docs/moto-stop-execution.md"}  # for moto's maintainers; docs/tests.md leads there
    assert set(PAGES) - linked - {"README.md"} == reports


def test_the_front_page_can_be_read_to_its_end() -> None:
    assert len(README.splitlines()) <= 200


def test_the_front_page_says_of_an_end_what_the_runbook_says() -> None:
    said = {
        name.strip("` "): cells[0]
        for names, cells in rows(section("When it stops", "README.md")).items()
        for name in names.split(",")
    }
    assert said == {name: SAYS[ENDS[name].urgency] for name in said}
    assert {name for name, end in ENDS.items() if end.urgency is Urgency.PAGE} <= set(said)


def test_the_front_pages_figures_are_those_of_the_page_on_tests() -> None:
    """Where they stand with the commands that print them."""
    figures = [
        number
        for row in re.findall(r"^\| .+ \| (.+) \|$", section("Is it true?", "README.md"), re.MULTILINE)
        for number in re.findall(r"\d+(?:,\d+)*", row)
    ]
    known = set(re.findall(r"\d+(?:,\d+)*", PAGES["docs/tests.md"]))
    assert len(figures) > 10
    assert [number for number in figures if number not in known] == []


def test_the_front_page_says_what_a_rotation_costs() -> None:
    *calls, logins = re.findall(r"\d+", re.findall(r"^\| Sum .*$", PAGES["docs/costs.md"], re.MULTILINE)[0])
    assert f"makes {sum(map(int, calls))} calls of Secrets Manager and {logins} logins" in README
    assert f"in {transitions()[1]['OpenEMR']} transitions" in README


def test_the_rehearsal_says_of_an_end_what_the_command_says() -> None:
    """Its commands are typed in tests/e2e/test_rehearsal.py, most of them only with WHOLE=1."""
    page = PAGES["docs/rehearsal.md"]
    said = re.findall(r"^(?:true now|what to do): (.+)$", page, re.MULTILINE)
    assert len(said) > 8
    assert set(said) <= {text for end in ENDS.values() for text in (end.true, end.do)}
