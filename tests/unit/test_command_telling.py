"""What is printed and written of runs that are not like the others: running, stopped, half known, with odd texts in them."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rotation.core.classes import CLASSES
from rotation.told.failures import Failure
from rotation.told.history import Visit
from rotation.told.runbook import CUT_SHORT, ENDS
from rotation_cli import app, page, reporting, telling
from rotation_cli.evidence import Evidence, Found, Window, assemble
from rotation_cli.history import Run
from rotation_cli.schedule import Schedule
from rotation_cli.stack import Stack
from rotation_cli.standing import look
from rotation_cli.trouble import Trouble
from rotation_cli.words import lasted, moment

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=20)
ODD = "<script>alert(1)</script>\x1b[2J\n=1"


def run(day: float, status: str = "SUCCEEDED", end: str = "", **given: str) -> Run:
    began = START + timedelta(days=day)
    ended = None if status == "RUNNING" else began + timedelta(hours=1)
    made = Run(f"arn:x:day-{day:g}", began, {"target": "openemr", **given}, status, ended)
    made.visits = [Visit(end or "ReadSlots", "Succeed" if end else "Task", began.timestamp(), ended and ended.timestamp())]
    return made


def evidence(*runs: Run) -> Evidence:
    classes = {"openemr": CLASSES["monthly"], ODD: CLASSES["monthly"]}
    found = Found("the log", runs, classes, START, stoppers={"arn:x:day-3": ODD}, notes=[ODD])
    return assemble("stack", Window(START, START + timedelta(days=31)), NOW, found)


@pytest.fixture
def odd() -> Evidence:
    failed = run(4, "FAILED", "RolledBack", reason=ODD, started_by=ODD)
    failed.failures = (Failure(ODD, ODD, ODD),)
    return evidence(run(2, "SUCCEEDED", "RotationSucceeded"), run(3, "ABORTED"), failed, run(5, "FAILED"), run(19.9, "RUNNING"))


def test_the_page_shows_every_text_as_it_is(odd: Evidence) -> None:
    html = page.render(odd)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5
    assert "$" not in html, "every place in the page is filled"


def test_a_run_that_goes_on_is_in_it_and_has_not_failed(odd: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    assert [entry.run.name for entry in odd.failures] == ["day-3", "day-4", "day-5"]
    runs = {one["name"]: one for one in json.loads(reporting.as_json(odd))["runs"]}
    assert (runs["day-19.9"]["outcome"], runs["day-19.9"]["ended"], runs["day-19.9"]["urgency"]) == ("RUNNING", None, None)
    assert runs["day-19.9"]["seconds"] == pytest.approx(0.1 * 86400)
    telling.tell_evidence(odd)
    assert "RUNNING" in capsys.readouterr().out


def test_who_stopped_a_run_is_told(odd: Evidence) -> None:
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(reporting.as_csv(odd), newline="")) if row["kind"] == "run"}
    assert rows["day-3"]["stopped_by"] == ODD
    assert (rows["day-3"]["outcome"], rows["day-5"]["outcome"]) == ("ABORTED", "FAILED")


def test_no_cell_is_a_formula() -> None:
    one = evidence(run(2, "SUCCEEDED", "RotationSucceeded", reason="=1+1", started_by="@SUM(A1)"))
    row = next(csv.DictReader(io.StringIO(reporting.as_csv(one), newline="")))
    assert (row["reason"], row["who"]) == ("'=1+1", "'@SUM(A1)")


def test_nothing_that_is_printed_gives_the_terminal_orders(odd: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    telling.tell_evidence(odd)
    telling.tell_history([entry.run for entry in odd.entries], NOW)
    for entry in odd.entries:
        telling.tell_run(entry.run, NOW)
    assert "\x1b" not in capsys.readouterr().out


def test_the_plan_of_a_dry_run_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(1, "SUCCEEDED", "PlanReported", mode="dry-run")
    one.payload = {"situation": {"reason": "rotate to the standby", "plan": [{"state": "FlipSlot", "change": "active_slot B"}]}}
    telling.tell_run(one, NOW)
    out = capsys.readouterr().out
    assert "decision:   rotate to the standby" in out
    assert "FlipSlot: active_slot B" in out


def test_the_findings_of_a_verify_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(1, "FAILED", "PrerequisiteMissing", mode="verify")
    finding: dict[str, Any] = {"severity": "fail", "what": "drain", "found": "10 s", "mend": "raise QuietSeconds"}
    one.payload = {"verified": {"findings": [finding, {"severity": "ok", "what": "TLS", "found": "trusted", "mend": ""}]}}
    telling.tell_run(one, NOW)
    out = capsys.readouterr().out
    assert "fail     drain: 10 s; raise QuietSeconds" in out
    assert "ok       TLS: trusted\n" in out


def test_who_stopped_a_run_said_why(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(1, "ABORTED", reason="a drill")
    one.failures = (Failure("SyncUsers", "SourceBusy", "busy"),)
    one.cause = "oncall stopped it"
    telling.tell_end(one)
    assert "stopped: oncall stopped it\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*ENDS, *CUT_SHORT])
def test_every_end_has_its_exit_code(name: str) -> None:
    one = run(1, name, "") if name in CUT_SHORT else run(1, "FAILED", name)
    end = {**ENDS, **CUT_SHORT}[name]
    assert app.exit_code(one) == {"nothing": 0, "look": 1, "page": 3}[end.urgency.value]


def test_a_run_that_goes_on_asks_for_nothing_yet() -> None:
    assert app.exit_code(run(1, "RUNNING")) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T03:00", datetime(2026, 1, 31, 3, tzinfo=UTC)),
        ("2026-01-31T03:00+02:00", datetime(2026, 1, 31, 1, tzinfo=UTC)),
        ("2026-01-31T03:00Z", datetime(2026, 1, 31, 3, tzinfo=UTC)),
    ],
)
def test_a_date_is_in_utc_unless_it_says_otherwise(text: str, expected: datetime) -> None:
    assert moment(text, "--from") == expected


@pytest.mark.parametrize("text", ["0001-01-01", "1999-12-31", "9001-01-01", "9999-12-31", "9999-12-31T23:00-05:00"])
def test_a_date_beyond_all_runs_is_refused_before_it_is_reckoned_with(text: str) -> None:
    with pytest.raises(Trouble, match=f"--to '{re.escape(text)}' is in no year .* from 2000 to 9000"):
        moment(text, "--to")


ODD_DOCUMENTS = {
    "torn": "{",
    "no object": '["slot_secret"]',
    "empty": "{}",
    "odd": '{"slot_secret": 7, "consumers": [1], "class": []}',
}


class SmallStack:
    """One with targets that nobody could have added by the command, and no runs."""

    name, caller, aws = "stack", SimpleNamespace(account="123456789012"), SimpleNamespace(region="eu-west-1")
    pending, to_revoke = Stack.pending, Stack.to_revoke

    def made_at(self) -> datetime:
        return START

    def schedule(self, _: datetime) -> Schedule:
        return Schedule()

    def targets(self) -> dict[str, str]:
        return ODD_DOCUMENTS

    def latest(self, *_: object) -> list[Run]:
        return []

    logged = latest


def test_a_target_document_that_is_none_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    telling.tell_targets(ODD_DOCUMENTS, None)
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in ODD_DOCUMENTS for line in lines if f"unreadable: rotation targets check {name}" in line] == [
        "torn", "no object", "empty",
    ]  # fmt: skip
    stack = cast("Stack", SmallStack())
    stands = look(stack, NOW)
    assert stands.asks
    telling.tell_status(stack, stands, NOW)
    out = capsys.readouterr().out
    assert out.count("not known: the target document names no slot secret") == len(ODD_DOCUMENTS)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.04, "0.0 s"), (89.9, "89.9 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (129600, "1.5 days")]
)
def test_a_duration_is_as_long_as_it_takes_to_say(seconds: float, told: str) -> None:
    assert lasted(seconds) == told


def test_targets_that_were_added_are_told_from_the_stacks_own(capsys: pytest.CaptureFixture[str]) -> None:
    """The others stay when the stack is deleted."""
    telling.tell_targets({"openemr": "{}", "shop": "{}"}, "openemr")
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "the stack" in lines["openemr"]
    assert "targets add" in lines["shop"]
    telling.tell_targets({"openemr": "{}"}, None)
    assert "not known" in capsys.readouterr().out
