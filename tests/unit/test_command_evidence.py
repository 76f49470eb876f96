"""What a report finds and what it does not: gaps, missed runs, what mended a failure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rotation.core.classes import CLASSES
from rotation.told.failures import Failure
from rotation.told.history import Visit
from rotation_cli.evidence import Evidence, Found, Gap, Starter, Window, assemble, follow_up, starter_of
from rotation_cli.history import Run
from rotation_cli.page import render
from rotation_cli.telling import before_evidence, mended

DAY = timedelta(days=1)
START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = Window(START, START + 365 * DAY)
NOW = START + 400 * DAY
LONG_AGO = START - 400 * DAY
FAILS = ("RolledBack", "OldSlotNotRotated", "RestoreFailed", "RotationRefused", "RotationAlreadyRunning", "Superseded")


def run(day: float, outcome: str = "RotationSucceeded", name: str = "", minutes: float = 8, **given: Any) -> Run:
    """One that began on that day of the year; of openemr, mode rotate, unless something else is said."""
    began = START + day * DAY
    status = outcome if outcome.isupper() else "FAILED" if outcome in FAILS else "SUCCEEDED"
    ended = began + timedelta(minutes=minutes)
    given = {"target": "openemr", "mode": "rotate", **given}
    made = Run(f"arn:x:{name or f'day-{day:g}'}", began, given, status, ended)
    if status != outcome:
        made.visits = [Visit(outcome, "Fail" if status == "FAILED" else "Succeed", ended.timestamp(), ended.timestamp())]
    return made


def report(*runs: Run, window: Window = YEAR, kind: str = "monthly", now: datetime = NOW, since: datetime = LONG_AGO) -> Evidence:
    return assemble("stack", window, now, Found("the log", runs, {"openemr": CLASSES[kind]}, since))


def every(period: float, upto: float = 366, without: tuple[int, ...] = ()) -> list[Run]:
    days = [number * period for number in range(-1, int(upto / period) + 1)]
    return [run(day) for number, day in enumerate(days) if number not in without]


def spans(evidence: Evidence) -> list[tuple[int, int]]:
    return [(round(gap.days), gap.missed) for gap in evidence.gaps]


@pytest.mark.parametrize(
    ("kind", "period"), [("monthly", 31), ("monthly", 34), ("quarterly", 92), ("365-days", 366), ("30-days", 30)]
)
def test_rotations_in_time_leave_no_gap(kind: str, period: int) -> None:
    assert report(*every(period), kind=kind).gaps == []


@pytest.mark.parametrize(("without", "expected"), [((5,), [(62, 1)]), ((5, 6), [(93, 2)]), ((3, 8), [(62, 1), (62, 1)])])
def test_what_never_began_was_missed(without: tuple[int, ...], expected: list[tuple[int, int]]) -> None:
    assert spans(report(*every(31, without=without))) == expected


def test_a_failure_that_was_mended_within_the_days_of_grace_is_no_gap() -> None:
    runs = [*every(31, without=(5,)), run(124, "RolledBack"), run(126)]
    assert report(*runs).gaps == []


def test_a_failure_that_was_mended_late_is_a_gap_but_no_missed_run() -> None:
    runs = [*every(31, without=(5,)), run(124, "RolledBack"), run(140)]
    (gap,) = report(*runs).gaps
    assert (round(gap.days), gap.missed, [one.name for one in gap.attempts]) == (47, 0, ["day-124"])


def test_an_attempt_within_the_days_of_grace_was_not_missed_either() -> None:
    runs = [*every(31, without=(5,)), run(126, "RolledBack"), run(140)]
    assert spans(report(*runs)) == [(47, 0)]


def test_the_windows_first_moment_is_in_it_and_its_last_is_not() -> None:
    evidence = report(run(0), run(31), window=Window(START, START + 31 * DAY))
    assert [entry.run.name for entry in evidence.entries] == ["day-0"]


def test_a_gap_that_has_not_ended_counts_up_to_the_windows_end_or_now() -> None:
    runs = every(31, upto=200)
    assert spans(report(*runs)) == [(179, 5)]
    (gap,) = report(*runs, now=START + 250 * DAY).gaps
    assert (gap.until, gap.closed_by) == (START + 250 * DAY, "")


def test_the_first_gap_begins_with_the_rotation_before_the_window() -> None:
    (gap,) = report(run(-20), run(40), *every(31, without=(0, 1, 2))).gaps
    assert (gap.opened_by, gap.closed_by) == ("day--20", "day-40")


def test_nothing_is_missing_before_the_stack_was_made() -> None:
    assert report(*[run(day) for day in range(220, 366, 30)], since=START + 200 * DAY).gaps == []
    (gap,) = report(*[run(day) for day in range(250, 366, 30)], since=START + 200 * DAY).gaps
    assert gap.opened_by == "the stack's making"


def test_a_target_that_nothing_ever_ran_for_is_one_long_gap() -> None:
    (gap,) = report().gaps
    assert (gap.target, round(gap.days), gap.missed) == ("openemr", 365, 11)


def test_another_targets_rotations_fill_no_gap() -> None:
    runs = [*every(31, without=(5,)), run(124, target="nextcloud")]
    assert spans(report(*runs)) == [(62, 1)]


@pytest.mark.parametrize("outcome", ["RolledBack", "OldSlotNotRotated", "ABORTED", "TIMED_OUT", "RestoreFailed", "RotationRefused"])
def test_a_failure_is_mended_by_the_next_new_password(outcome: str) -> None:
    runs = [run(1, outcome), run(1.5, "RolledBack"), run(2, "NothingToResume", mode="resume"), run(3)]
    found = follow_up(runs[0], runs)
    assert found is not None
    assert found.mended_by is runs[3]
    assert [one.name for one in found.attempts] == ["day-1.5", "day-2", "day-3"]
    assert found.after_seconds == 2 * 86400


def test_what_came_before_or_is_another_targets_mends_nothing() -> None:
    runs = [run(0), run(1, "RolledBack"), run(2, target="nextcloud")]
    found = follow_up(runs[1], runs)
    assert found is not None
    assert (found.mended_by, found.attempts) == (None, ())
    assert report(*runs).figures()["not_mended"] == 1


RENEWS_NOTHING = {"AlreadyRotated": "rotate", "NothingToResume": "resume", "Restored": "resume", "UsersSynced": "sync-users"}


@pytest.mark.parametrize("outcome", RENEWS_NOTHING)
@pytest.mark.parametrize("failed", ["rotate", "revoke"])
def test_a_failed_rotation_is_not_mended_by_a_run_that_renewed_nothing(failed: str, outcome: str) -> None:
    """AlreadyRotated ends well and is of the same mode: a schedule's second delivery, after the first has failed."""
    runs = [run(1, "RolledBack", mode=failed), run(2, outcome, mode=RENEWS_NOTHING[outcome])]
    found = follow_up(runs[0], runs)
    assert found is not None
    assert (found.mended_by, [one.name for one in found.attempts]) == (None, ["day-2"])
    assert report(*runs).figures()["not_mended"] == 1


def test_a_failed_revocation_is_mended_by_one_that_revokes_and_not_by_a_rotation() -> None:
    """A rotation leaves every user but one the password that it had: it may be the stolen one."""
    runs = [run(1, "OldSlotNotRotated", mode="revoke"), run(2), run(3, "Revoked", mode="revoke")]
    found = follow_up(runs[0], runs)
    assert found is not None
    assert found.mended_by is runs[2]


def test_a_failed_resume_is_mended_by_one_that_restores() -> None:
    runs = [run(1, "RestoreFailed", mode="resume"), run(2, "Restored", mode="resume")]
    found = follow_up(runs[0], runs)
    assert found is not None
    assert found.mended_by is runs[1]


def test_a_failed_resume_is_not_mended_by_what_is_no_resume() -> None:
    runs = [run(1, "RestoreFailed", mode="resume"), run(2, "UsersSynced", mode="sync-users")]
    found = follow_up(runs[0], runs)
    assert found is not None
    assert found.mended_by is None


@pytest.mark.parametrize("outcome", ["RotationAlreadyRunning", "Superseded"])
def test_that_another_run_was_at_it_is_no_failure(outcome: str) -> None:
    assert report(run(1, outcome), run(2)).failures == []


@pytest.mark.parametrize("outcome", ["RotationSucceeded", "AlreadyRotated", "NothingToResume", "Restored", "UsersSynced"])
def test_what_went_well_needs_no_follow_up(outcome: str) -> None:
    assert follow_up(run(1, outcome), [run(1, outcome), run(2)]) is None


def test_a_revoke_is_an_incident_and_renews() -> None:
    evidence = report(*every(31, without=(5,)), run(124, "Revoked", mode="revoke", reason="laptop stolen"))
    assert [entry.run.given["reason"] for entry in evidence.incidents] == ["laptop stolen"]
    assert evidence.gaps == []


def test_looks_are_counted_and_are_no_rotations() -> None:
    evidence = report(
        *every(31), run(7, "Verified", mode="verify"), run(8, "Verified", mode="verify"), run(9, "PlanReported", mode="dry-run")
    )
    assert evidence.looks == {"verify": {"Verified": 2}, "dry-run": {"PlanReported": 1}}
    assert all(entry.run.mode == "rotate" for entry in evidence.entries)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"started_by": "schedule"}, "schedule"),
        ({"scheduled_time": "2025-01-01T03:00:00Z"}, "schedule"),
        ({"started_by": "tell_outcome"}, "automatic"),
        ({"started_by": "arn:aws:iam::1:user/ada"}, "person"),
        ({"started_by": "arn:aws:iam::1:user/ada", "scheduled_time": "2025-01-01T03:00:00Z"}, "person"),
        ({}, "unknown"),
    ],
)
def test_what_started_a_run(given: dict[str, str], expected: str) -> None:
    assert starter_of(run(1, **given)).kind == expected


def test_of_a_schedule_no_more_is_said_than_is_known() -> None:
    """Anybody can write that into an input."""
    assert starter_of(run(1, started_by="schedule")) == Starter("schedule", "as its input says")


def test_who_is_found_elsewhere_is_told_for_that_run() -> None:
    one = run(1)
    evidence = assemble(
        "stack",
        YEAR,
        NOW,
        Found("", [one], {"openemr": CLASSES["monthly"]}, LONG_AGO, starters={one.arn: Starter("person", "ada")}),
    )
    assert evidence.entries[0].starter == Starter("person", "ada")


def test_a_gaps_days_are_days() -> None:
    assert Gap("t", START, START + 62.5 * DAY, 31, 1, (), "a", "b").days == 62.5


# ---- how far the evidence reaches ---------------------------------------------------------------------------------------


def test_of_a_time_before_the_evidence_it_is_not_said_that_nothing_was_missed() -> None:
    evidence = report(since=YEAR.end + DAY)
    assert (evidence.figures()["missed"], evidence.figures()["gaps"], evidence.blind) == (None, None, True)
    text = before_evidence(evidence)
    assert "nothing is known of any of it" in text
    page = render(evidence)
    assert "not known" in page
    assert "no rotation was late" not in page


def test_of_a_window_that_begins_before_the_evidence_its_beginning_is_told() -> None:
    evidence = report(*every(31, upto=366)[5:], since=START + 120 * DAY)
    assert evidence.half_blind
    assert before_evidence(evidence).startswith("the evidence begins on 2025-05-01 00:00 UTC: nothing is known of the time before")
    assert "missed runs since 2025-05-01" in render(evidence)


def test_of_a_window_that_is_all_known_nothing_is_taken_back() -> None:
    assert before_evidence(report(*every(31))) == ""


def test_a_run_for_a_target_that_does_not_exist_is_no_lasting_failure() -> None:
    wrong = run(10, "RotationRefused", target="opnemr")
    wrong.failures = (Failure("ReadSlots", "TargetNotFound", "there is no target opnemr"),)
    evidence = report(*every(31), wrong)
    assert ([one.run.name for one in evidence.failures], evidence.figures()["not_mended"]) == (["day-10"], 0)
    assert mended(evidence.failures[0]) == "nothing to mend: there is no such target"
