"""The page of a fleet's run in a real browser: no complaint, nothing loaded, all visible and legible at any width and in print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rotation.fleet.due import Standing
from rotation.fleet.outcome import Outcome
from rotation.fleet.run import Found, Plan, Settings
from rotation_cli import fleet_page
from rotation_cli.fleets import FleetRun

from tests.e2e.test_report_page import UNSEEN, WIDE
from tests.worlds.browser import CONTRAST, Browser

BEGAN = datetime(2026, 3, 1, 2, tzinfo=UTC)
LONG = "a-target-with-a-name-that-is-as-long-as-the-names-of-targets-be"
WHY = 'RolledBack: LoginRefused at ValidateApp: <b>"the proxy"</b> ' + "does not take the new password yet " * 4
WAVES = [["t000", LONG], *([f"t{wave}-{number}" for number in range(20)] for wave in range(1, 11))]


def run(name: str = "by-hand-20260301T020000Z") -> FleetRun:
    """Three waves of eleven; the budget is gone."""
    due = [target for wave in WAVES for target in wave]
    targets = {target: Found(Standing.OVERDUE if target == "t9-0" else Standing.DUE, 33.4, target == "t9-0") for target in due}
    targets |= {
        "held": Found(Standing.HELD, 50.2, True, "held until 2026-04-01: audit"),
        "broken": Found(Standing.UNKNOWN, None, True, "TargetInvalid: the target document is not JSON"),
        "fresh": Found(Standing.NOT_YET, 3.0),
    }
    plan = Plan(name, BEGAN.timestamp(), Settings(20, 3, 10.0, 7200), targets, WAVES)
    begun = [target for wave in WAVES[:3] for target in wave]
    outcomes = {target: Outcome.FAILED if target.endswith(("-1", "-5", "-9")) else Outcome.ROTATED for target in begun}
    outcomes |= {"t1-2": Outcome.SLOW, "t1-3": Outcome.BUSY}
    whys = {target: WHY for target, one in outcomes.items() if one.failed}
    stopped = "21 of 202 failed, and 20 may (10 %)"
    return FleetRun(name, "FAILED", BEGAN, BEGAN + timedelta(minutes=41), "FleetStopped", plan, outcomes, stopped, None, whys)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "fleet.html"
    path.write_text(fleet_page.render(run(), "credential-rotation-prod", "a-bucket", BEGAN + timedelta(hours=1)), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (420, "light"), (420, "dark")])
def test_it_is_all_there_and_legible(browser: Browser, written: Path, width: int, scheme: str) -> None:
    browser.look_at(width, 900, scheme)
    browser.open(written)
    assert browser.complaints() == []
    assert browser.requested() == [written.as_uri()]
    assert browser.ask(WIDE) == []
    assert browser.ask(UNSEEN) == []
    assert browser.ask(CONTRAST) == []


def test_it_is_printed_whole(browser: Browser, written: Path) -> None:
    browser.look_at(688, 1000, media="print")
    browser.open(written)
    assert browser.ask(WIDE) == []
    assert browser.ask(UNSEEN) == []
    assert browser.ask(CONTRAST) == []


def test_words_that_can_hardly_be_read_would_be_noticed(browser: Browser, written: Path, tmp_path: Path) -> None:
    planted = tmp_path / "planted.html"
    planted.write_text(written.read_text().replace("--soft: #5d6878", "--soft: #9aa4b1"))
    browser.look_at(1280, 900)
    browser.open(planted)
    assert browser.ask(CONTRAST) != []


def test_waves_budget_and_failures_are_said(browser: Browser, written: Path) -> None:
    browser.look_at(1280, 900)
    browser.open(written)
    rows = browser.ask("[...document.querySelectorAll('section:nth-of-type(1) tbody tr')].map(row => row.innerText)")
    cells = [[cell.strip() for cell in row.split("\t")] for row in rows]
    assert cells[0][:5] == ["canaries", "2", "2", "0", "0, and 0 may"]
    assert cells[1][:5] == ["1", "20", "15", "4", "4, and 20 may"]
    assert cells[2][:5] == ["2", "20", "17", "3", "7, and 20 may"]
    assert cells[3][:5] == ["3", "20", "0", "0", "not begun"]
    text = browser.ask("document.body.innerText")
    for said in (
        "of the canaries none",
        "it goes on by itself",
        "rotation explain fleet-by-hand",
        "held until 2026-04-01",
        "a-bucket",
    ):
        assert said in text
    assert '<b>"the proxy"</b>' in text, "what others have written is text, not HTML"
