"""`rotation report` over a year of the shipped machine: it says what the engine's own history says, and nothing is missing."""

import csv
import io
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.statemachine.machine import ROOT
from tests.statemachine.year import END, MISSED, ODD, PERSON, START, Year, a_year

LOOKS = ("look",)
OUTSIDE = ("2024-12", "2026-01")


@dataclass(frozen=True)
class Past:
    """One execution as GetExecutionHistory and DescribeExecution have it; read here without the command's own code."""

    name: str
    status: str
    terminal: str
    began: datetime
    ended: datetime
    waiting: float
    flip: list[str]
    retire: list[str]

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with a_year(tmp_path_factory.mktemp("year")) as lived:
        yield lived


@pytest.fixture(scope="module")
def past(year: Year) -> dict[str, Past]:
    return {one.name: one for one in (_past(year, arn) for arn in year.arns)}


@pytest.fixture(scope="module")
def files(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report in every form, and what it printed, from one run of the real command."""
    folder = tmp_path_factory.mktemp("report")
    forms = [part for form in ("html", "csv", "json") for part in (f"--{form}", str(folder / f"report.{form}"))]
    done = rotation(year, "report", "--from", f"{START:%Y-%m-%d}", "--to", f"{END:%Y-%m-%d}", *forms)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "report.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def report(files: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files / "report.json").read_text())
    return found


def rotation(year: Year, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rotation_cli", *arguments]
    return subprocess.run(command, env=year.environment(), cwd=ROOT, capture_output=True, text=True, timeout=60)


def _past(year: Year, arn: str) -> Past:
    described = year.states.describe_execution(executionArn=arn)
    events = year.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    waits = {
        kind: [event["timestamp"] for event in events if event["type"] == f"WaitState{kind}"] for kind in ("Entered", "Exited")
    }
    waiting = sum((left - came).total_seconds() for came, left in zip(waits["Entered"], waits["Exited"], strict=True))
    claims = {state: _claims(events, state) for state in ("ClaimRotation", "RotateOldSlot")}
    return Past(
        described["name"],
        described["status"],
        entered[-1],
        events[0]["timestamp"],
        events[-1]["timestamp"],
        waiting,
        claims["ClaimRotation"],
        claims["RotateOldSlot"],
    )


def _claims(events: list[dict[str, Any]], state: str) -> list[str]:
    left = [event["stateExitedEventDetails"] for event in events if "stateExitedEventDetails" in event]
    return [json.loads(one["output"])["claim"]["version"] for one in left if one["name"] == state]


def close(seconds: float) -> Any:
    """The history's times are to the millisecond."""
    return pytest.approx(seconds, abs=0.002)


def test_every_run_of_the_window_is_in_it_and_no_other(report: dict[str, Any], past: dict[str, Past]) -> None:
    assert [run["name"] for run in report["runs"]] == [name for name in past if name not in (*LOOKS, *OUTSIDE)]


def test_its_figures_are_the_histories(report: dict[str, Any], past: dict[str, Past]) -> None:
    inside = [one for one in past.values() if one.name not in (*LOOKS, *OUTSIDE)]
    renewed = [one for one in inside if one.terminal == "RotationSucceeded"]
    failed = [one for one in inside if one.status == "FAILED"]
    figures = report["figures"]
    assert (figures["runs"], figures["renewed"], figures["failed"]) == (len(inside), len(renewed), len(failed))
    assert (len(inside), len(renewed), len(failed)) == (13, 11, 2), "the year is the one that was meant"
    assert figures["seconds"]["median"] == close(statistics.median(one.seconds for one in renewed))
    assert figures["seconds"]["longest"] == close(max(one.seconds for one in renewed))
    assert figures["working_seconds"]["median"] == close(statistics.median(one.seconds - one.waiting for one in renewed))


def test_each_run_is_told_as_the_history_has_it(report: dict[str, Any], past: dict[str, Past]) -> None:
    for run in report["runs"]:
        one = past[run["name"]]
        assert (run["status"], run["outcome"]) == (one.status, one.terminal), one.name
        assert (datetime.fromisoformat(run["began"]), datetime.fromisoformat(run["ended"])) == (one.began, one.ended)
        assert (run["seconds"], run["waiting_seconds"]) == (close(one.seconds), close(one.waiting))
        assert run["working_seconds"] == close(one.seconds - one.waiting)
        assert (run["versions"]["flip"], run["versions"]["retire"]) == (one.flip, one.retire)
    assert all(
        run["waiting_seconds"] > 100 for run in report["runs"] if run["outcome"] == "RotationSucceeded" and run["mode"] == "rotate"
    )


def test_both_failures_are_in_it_with_what_mended_them(report: dict[str, Any], past: dict[str, Past]) -> None:
    failures = {run["name"]: run for run in report["runs"] if run["follow_up"]}
    told = {name: (run["outcome"], run["failures"][0]["step"], run["failures"][0]["error"]) for name, run in failures.items()}
    assert told == {
        "2025-03": ("RolledBack", "ValidateApp", "LoginRefused"),
        "2025-08": ("OldSlotNotRotated", "CheckDrained", "DrainTooSlow"),
    }
    for name, mended_by in (("2025-03", "by-hand"), ("2025-08", "resume-2025-08")):
        follow_up = failures[name]["follow_up"]
        assert follow_up["mended_by"] == mended_by
        assert follow_up["after_seconds"] == close((past[mended_by].ended - past[name].ended).total_seconds())
    assert report["figures"]["not_mended"] == 0


def test_the_missed_run_is_in_it(report: dict[str, Any], past: dict[str, Past]) -> None:
    (gap,) = report["gaps"]
    since, until = datetime.fromisoformat(gap["since"]), datetime.fromisoformat(gap["until"])
    assert (since, until) == (past["2025-09"].ended, past["2025-11"].ended)
    assert since < MISSED < until
    assert (gap["missed_runs"], gap["attempts"], gap["allowed_days"]) == (1, [], 31)
    assert gap["days"] == close((until - since).total_seconds() / 86400)
    assert (report["figures"]["missed"], report["figures"]["gaps"]) == (1, 1)


def test_what_started_each_run_is_what_its_input_says(report: dict[str, Any]) -> None:
    started = {run["name"]: (run["started_by"], run["who"]) for run in report["runs"]}
    assert started.pop("by-hand") == ("person", PERSON)
    assert started.pop("resume-2025-08")[0] == "automatic"
    assert {kind for kind, _ in started.values()} == {"schedule"}


def test_a_run_that_changes_nothing_is_counted_apart(report: dict[str, Any]) -> None:
    assert report["changed_nothing"] == {"dry-run": {"PlanReported": 1}}


def test_the_table_has_the_same_runs_and_gaps(files: Path, report: dict[str, Any]) -> None:
    rows = list(csv.DictReader((files / "report.csv").read_text().splitlines()))
    runs = {row["name"]: row for row in rows if row["kind"] == "run"}
    assert list(runs) == [run["name"] for run in report["runs"]]
    for run in report["runs"]:
        row = runs[run["name"]]
        assert (row["outcome"], float(row["seconds"])) == (run["outcome"], run["seconds"])
        assert row["version_flip"].split() == run["versions"]["flip"]
        assert row["mended_by"] == ((run["follow_up"] or {}).get("mended_by") or "")
    (gap,) = (row for row in rows if row["kind"] == "gap")
    assert gap["missed_runs"] == "1"


def test_no_cell_of_the_table_is_a_formula(files: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((files / "report.csv").read_text(), newline="")))
    assert [row["reason"] for row in rows if row["name"] == "by-hand"] == [f"'{ODD}"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_the_page_has_all_three_and_shows_texts_as_they_are(files: Path, report: dict[str, Any]) -> None:
    html = (files / "report.html").read_text()
    page = Words()
    page.feed(html)
    text = " ".join(" ".join(page.words).split())
    assert "11 rotations; 2 runs failed, all mended later; 1 time the password was older than allowed (1 run missed)." in text
    for run in report["runs"]:
        assert run["name"] in text
        assert all(version in text for version in run["versions"]["flip"])
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "b it"})
    assert " ".join(ODD.split()) in text
    assert ODD not in html
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", html), "nothing is loaded from elsewhere"


def test_the_picture_has_a_mark_for_each_run(files: Path, report: dict[str, Any]) -> None:
    picture = (files / "report.html").read_text().split("<svg", 2)[1].split("</svg>")[0]
    figures = report["figures"]
    marks = {kind: picture.count(f'class="{kind}"') for kind in ("renewed", "failed", "gap")}
    assert marks == {"renewed": figures["renewed"], "failed": figures["failed"], "gap": figures["gaps"]}


def test_what_is_printed_has_all_three(files: Path) -> None:
    text = (files / "report.txt").read_text()
    assert "11 rotations, 2 failures (0 not mended), 1 missed run, 1 gap, 0 incidents" in text
    assert "● ● ✗● ● ● ● ● ✗● ● _ ● ●" in text
    assert re.search(
        r"failure   2025-03 RolledBack: LoginRefused at ValidateApp; mended by by-hand \(RotationSucceeded\) after 6\.\d h", text
    )
    assert "\x1b" not in text


def test_readmes_example_is_what_is_printed(files: Path) -> None:
    printed = (files / "report.txt").read_text().splitlines()
    example = (ROOT / "docs/command.md").read_text().split("one never began:\n\n```\n")[1].split("```")[0].splitlines()
    assert [line for line in example if line != "…" and line not in printed] == []


def test_a_shorter_window_has_what_lies_in_it_and_still_knows_what_mended_it(year: Year, tmp_path: Path) -> None:
    path = tmp_path / "march.json"
    done = rotation(year, "report", "--from", "2025-03-01T02:00", "--to", "2025-03-01T05:00", "--json", str(path))
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    assert [run["name"] for run in report["runs"]] == ["2025-03"]
    assert report["runs"][0]["follow_up"]["mended_by"] == "by-hand"
    assert report["gaps"] == []


class Words(HTMLParser):
    """What a reader sees, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
