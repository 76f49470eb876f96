"""The explorations themselves: whatever breaks is found and told, and nothing that was found before is lost."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from rotation.core.errors import SourceRefused

import tests.faults
from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.crowd.button import BY_SECRETS_MANAGER, Pressed
from tests.faults.jobs import Job, carry_out
from tests.faults.laws.violation import Violation
from tests.faults.table import table
from tests.faults.walk.again import again
from tests.faults.walk.search import Found
from tests.worlds.invocation import known_passwords


@pytest.fixture(autouse=True)
def _recursion_limit() -> Iterator[None]:
    """A job sets it for its whole process."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


# What breaks before the faults begin: in the run that is to be stopped first


def refuses(*_: Any) -> dict[str, Any]:
    raise SourceRefused("refused")


def breaks(*_: Any) -> dict[str, Any]:
    raise KeyError("Parameters")


def violates(*_: Any) -> dict[str, Any]:
    raise Violation("I2", "somebody was cut off")


BROKEN: dict[str, tuple[Callable[..., dict[str, Any]], str]] = {
    "the run ends before it": (refuses, "at-rest: the first run ended NothingChanged before it came to ValidateApp"),
    "a law is broken": (violates, "I2: somebody was cut off"),
    "a step breaks": (breaks, "error: KeyError: 'Parameters'"),
}


@pytest.mark.parametrize(("step", "says"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_before_the_first_run_is_stopped_is_found_and_stands_in_the_table(
    step: Callable[..., dict[str, Any]], says: str
) -> None:
    with patch("rotation.steps.sync_users.sync_users", step):
        done = carry_out(Job("single", "interrupted flip", ("interrupted flip", 1)))
    assert says in done.words
    assert not done.well
    assert "interrupted flip" in table([done])


def test_a_run_that_is_shown_again_says_so_too() -> None:
    with known_passwords(), patch("rotation.steps.sync_users.sync_users", refuses):
        shown = again(SCENARIOS["interrupted flip"], "run-2 FlipSlot 3 (swap AWSCURRENT of slots): crashes after")
    assert shown.violation
    assert "before it came to ValidateApp" in shown.violation.what


@pytest.mark.parametrize("kind", ["single", "mutation"])
def test_a_job_that_breaks_by_itself_is_told_with_where_it_broke(kind: str) -> None:
    done = carry_out(Job(kind, "no such thing", ("no such thing", 1)))
    assert not done.well
    assert done.words.startswith(("error: KeyError: 'no such thing'", "error: TypeError: "))
    assert "jobs.py" in done.words
    assert "no such thing" in table([done])


# Secrets Manager's calls beside a run


def pressed(calls: int) -> tuple[int, list[Found]]:
    with known_passwords():
        pressed = Pressed(SCENARIOS[BY_SECRETS_MANAGER], (), calls=calls, interruptions=0)
        return pressed.explore(), pressed.found


def test_a_call_that_has_started_a_run_is_one_of_two_ways_to_come_to_rest() -> None:
    """The other: it is not made, and somebody starts a rotation by hand."""
    assert pressed(1) == (2, [])


def test_a_call_at_the_wrong_moment_is_found() -> None:
    def anyhow(world: Any, call: Any, _: Any) -> None:
        world.rotated.make_current(call.token, removed_from=world.rotated.labels().current)

    with patch("rotation.steps.rotate_secret._make_current", anyhow):
        _, found = pressed(5)
    assert [(one.law, one.path[-2]) for one in found] == [("I3", "rotate_secret rotate_secret 1")]


# The order in which they are read

FAULTS = Path(tests.faults.__file__ or "").parent
GROUPS = [line.split("/")[0] for line in (tests.faults.__doc__ or "").splitlines() if re.match(r"\w+/ ", line)]


def test_every_module_is_named_in_the_order() -> None:
    modules = {path.name for path in FAULTS.rglob("*.py")} - {"__init__.py"}
    laws = {path.name for path in (FAULTS / "laws").iterdir()}
    assert {path.name for path in FAULTS.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(GROUPS)
    assert [one for one in modules - laws if one not in (tests.faults.__doc__ or "")] == ["mutations.py"], "it is the list"


@pytest.mark.parametrize("number", range(len(GROUPS)), ids=GROUPS)
def test_a_group_knows_only_of_those_before_it(number: int) -> None:
    sources = [path.read_text() for path in (FAULTS / GROUPS[number]).glob("*.py")]
    used = {name for source in sources for name in re.findall(r"from tests\.faults\.?(\w*)", source)}
    assert used <= set(GROUPS[: number + 1])
