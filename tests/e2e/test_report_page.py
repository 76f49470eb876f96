"""The report's page in a real browser: no complaint, nothing loaded, everything visible at any width."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rotation.core.classes import CLASSES
from rotation.told.failures import Failure
from rotation.told.history import Visit
from rotation_cli import page
from rotation_cli.evidence import Evidence, Found, Window, assemble
from rotation_cli.history import Run, Versions

from tests.worlds.browser import CONTRAST, Browser

START = datetime(2025, 1, 1, tzinfo=UTC)
LONG = "arn:aws:sts::123456789012:assumed-role/" + "a-role-with-a-long-name" * 3 + "/ada"
WIDE = """Array.from(document.querySelectorAll("body *:not(svg *)"))
  .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(element => element.outerHTML.slice(0, 200))"""
UNSEEN = """Array.from(document.querySelectorAll(".tiles li, h1, h2, td, .renewed, .failed, .gap, .month")).filter(element =>
  element.getBoundingClientRect().width < 1 || !element.checkVisibility()).map(element => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def run(day: float, outcome: str = "RotationSucceeded", **given: str) -> Run:
    began = START + timedelta(days=day)
    ended = began + timedelta(minutes=8)
    status = "SUCCEEDED" if outcome in ("RotationSucceeded", "Revoked") else "FAILED"
    made = Run(f"arn:x:scheduled-{day:g}", began, {"target": "openemr", "mode": "rotate", **given}, status, ended)
    made.visits = [Visit(outcome, "Succeed", ended.timestamp(), ended.timestamp())]
    made.versions = Versions("57955f3c-2171-4a7c-83f9-7a5e21844562", ("2c0c0713-b0bb-5ed0-8ba0-c9a001ac21d6",), ())
    made.failures = (
        () if status == "SUCCEEDED" else (Failure("ValidateApp", "AppUnhealthy", "openemr: the marker is not in the page " * 9),)
    )
    return made


def evidence() -> Evidence:
    runs = [run(31 * number, started_by="schedule") for number in range(-1, 12) if number not in (6, 7)]
    runs += [
        run(31.2, "RolledBack", started_by="schedule"),
        run(100, "Revoked", mode="revoke", reason="laptop stolen", started_by=LONG),
    ]
    classes = {"openemr": CLASSES["monthly"], "a-target-with-a-name-that-is-as-long-as-names-may-be": CLASSES["quarterly"]}
    window = Window(START, START + timedelta(days=365))
    found = Found("CloudWatch log group /aws/vendedlogs/states/credential-rotation", runs, classes, START, notes=["A note. " * 30])
    return assemble("credential-rotation", window, START + timedelta(days=400), found)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page.render(evidence()), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (820, "light"), (420, "light"), (420, "dark")])
def test_it_is_all_there_and_the_browser_has_nothing_to_complain_about(
    browser: Browser, written: Path, width: int, scheme: str
) -> None:
    browser.look_at(width, 900, scheme)
    browser.open(written)
    assert browser.complaints() == []
    assert browser.requested() == [written.as_uri()]
    assert browser.ask(WIDE) == []
    assert browser.ask(UNSEEN) == []
    assert browser.ask(CONTRAST) == []


def test_it_is_printed_whole(browser: Browser, written: Path) -> None:
    """On A4, without its margins."""
    browser.look_at(688, 1000, media="print")
    browser.open(written)
    assert browser.ask(WIDE) == []
    assert browser.ask(UNSEEN) == []


def test_on_a_telephone_a_table_becomes_named_lines(browser: Browser, written: Path) -> None:
    browser.look_at(420, 900)
    browser.open(written)
    titles = browser.ask("[...document.querySelectorAll('td')].map(cell => getComputedStyle(cell, '::before').content)")
    assert titles
    assert [title for title in titles if title in ("none", "normal", '"" " "')] == []


def test_what_is_too_wide_or_unseen_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    html = (
        page.render(evidence())
        .replace("<header", '<div style="width:3000px">planted</div><header')
        .replace("<h2>When", "<h2 hidden>When")
    )
    planted = tmp_path / "planted.html"
    planted.write_text(html, encoding="utf-8")
    browser.look_at(1280, 900)
    browser.open(planted)
    assert browser.ask(WIDE) != []
    assert browser.ask(UNSEEN) != []


def test_marks_of_one_day_do_not_hide_each_other(browser: Browser, written: Path) -> None:
    browser.look_at(1280, 900)
    browser.open(written)
    boxes = browser.ask(
        """['section .failed', 'section .renewed'].map(css => Array.from(document.querySelectorAll(css), element => {
          const box = element.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; }))"""
    )
    failed, renewed = ([box for box in kind if box[2] - box[0] > 3] for kind in boxes)
    overlapping = [(one, other) for one in failed for other in renewed if _overlap(one, other)]
    assert failed
    assert renewed
    assert overlapping == []


def _overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
