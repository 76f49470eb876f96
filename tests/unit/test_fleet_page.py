"""The page of a fleet's run, in what it says; how it looks is tests/e2e/test_fleet_page.py's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from rotation.fleet.due import Standing
from rotation.fleet.outcome import Outcome
from rotation.fleet.run import Found, Plan, Settings
from rotation_cli import fleet_page
from rotation_cli.fleets import FleetRun

BEGAN = datetime(2026, 3, 1, 2, tzinfo=UTC)
SETTINGS = Settings(20, 3, 10.0, 7200)
QUIET = Plan("run", 0, SETTINGS, {"a": Found(Standing.NOT_YET, 3.0)})
DUE = Plan("run", 0, SETTINGS, {name: Found(Standing.DUE, 30.0) for name in "ab"}, [["a"], ["b"]])


def said(status: str, end: str = "", plan: Plan | None = None, outcomes: dict[str, Outcome] | None = None) -> tuple[str, str]:
    """The class of its header, and all its words."""
    ended = None if status == "RUNNING" else BEGAN + timedelta(minutes=3)
    page = fleet_page.render(FleetRun("run", status, BEGAN, ended, end, plan, outcomes or {}), "stack", "bucket", BEGAN)
    found = re.search(r'<header class="(\w+)">', page)
    assert found
    return found[1], " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


@pytest.mark.parametrize(
    ("run", "verdict", "words"),
    [
        (said("RUNNING"), "look", "It looks which targets are due."),
        (said("FAILED", "FleetNotBegun"), "bad", "no target was touched"),
        (said("SUCCEEDED", "FleetRotated", QUIET), "good", "No target was due, so no wave was begun."),
        (said("RUNNING", "", DUE, {"a": Outcome.ROTATED}), "look", "it runs. Began 2026-03-01 02:00, goes on."),
        (said("SUCCEEDED", "FleetRotated", DUE, dict.fromkeys("ab", Outcome.ROTATED)), "good", "2 targets: 2 rotated."),
        (said("ABORTED", "", DUE, {"a": Outcome.FAILED}), "bad", "1, and 0 may"),
        (said("FAILED", "FleetUnfinished", DUE, {"a": Outcome.ROTATED, "b": Outcome.SLOW}), "bad", "it goes on by itself"),
    ],
    ids=["looks", "not begun", "nothing due", "runs", "rotated", "stopped", "slow"],
)
def test_a_run_in_every_state_has_a_page(run: tuple[str, str], verdict: str, words: str) -> None:
    assert (run[0], words in run[1]) == (verdict, True), run[1]


def test_what_people_still_have_to_do_is_on_the_page_of_a_good_run_and_nothing_is_late() -> None:
    asked = "revoke its old key; then rotation withdrawn mail"
    plan = Plan("run", 0, SETTINGS, {"mail": Found(Standing.NOT_YET, 3.0, people=asked)})
    verdict, words = said("SUCCEEDED", "FleetRotated", plan)
    assert verdict == "look"
    assert f"For people Keys that nobody here can revoke. Rotations go on meanwhile. target what to do mail {asked}" in words
    assert "0 late, and not rotated" in words
