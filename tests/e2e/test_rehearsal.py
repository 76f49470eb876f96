"""The rehearsal for whoever is on call, word by word: its commands are typed, and what it says of the screen is on the screen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.shows import fail_next
from tests.e2e.rotations import Rotations
from tests.e2e.terminal import Terminal
from tests.pages import PAGES, section
from tests.whole import more, whole

PAGE = "docs/rehearsal.md"
STEP = re.compile(r"```bash\n(.*?)```\n\n```text\n(.*?)```\n\nThe exit code is (\d)", re.DOTALL)
EXERCISES = {
    title: re.findall(r"^`make local(?: FAIL=(\w+))?`", section(title, PAGE), re.MULTILINE)
    for title in re.findall(r"^## (.+)$", PAGES[PAGE], re.MULTILINE)
}
IN_CI = "You are woken: rolling back failed"
"""It has each command once, and the end that matters most. The others only take longer."""


@dataclass(frozen=True)
class Step:
    typed: str
    shown: str
    code: int


def steps(title: str) -> list[Step]:
    return [Step(typed, shown, int(code)) for typed, shown, code in STEP.findall(section(title, PAGE))]


def as_shown(text: str) -> str:
    """Without what differs from screen to screen: times, and how columns are aligned."""
    return " ".join(re.sub(r"\b\d+(\.\d+)? (s|min)\b", "", text).split())


def pattern(shown: str) -> str:
    """`…` is anything; of slots either."""
    return ".*".join(re.escape(as_shown(part)).replace("slot\\ B", "slot\\ [AB]") for part in shown.split("…"))


def test_every_exercise_has_its_stack_and_each_block_is_a_step_of_one() -> None:
    exercises = {title: said for title, said in EXERCISES.items() if said}
    assert all(len(said) == 1 for said in exercises.values())
    assert IN_CI in exercises
    assert sum(len(steps(title)) for title in exercises) == PAGES[PAGE].count("```bash")


@pytest.mark.parametrize(
    "title", [more(title, id=title) if title == IN_CI else whole(title, id=title) for title, said in EXERCISES.items() if said]
)
def test_an_exercise_goes_as_the_page_says(title: str, rotations: Rotations, tmp_path: Path) -> None:
    """The application is served all the time."""
    terminal = Terminal(rotations.stack, tmp_path)
    (fail,) = EXERCISES[title]
    if fail:
        fail_next(rotations.stack, fail)
    for step in steps(title):
        typed = terminal.type(step.typed, PAGE=rotations.stack.page)
        printed, _ = typed.communicate(timeout=120)
        assert typed.returncode == step.code, printed
        assert re.search(pattern(step.shown), as_shown(printed)), printed
