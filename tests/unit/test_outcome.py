"""How an execution ended, from its history: its terminal state, what it waited and worked, and what is measured of it."""

from typing import Any

import pytest
from rotation.told.history import Event, read
from rotation.told.outcome import JOBS, Outcome
from rotation.told.runbook import ENDS

ARN = "arn:aws:states:eu-west-1:123456789012:execution:credential-rotation:2026-01-05"
DAYS, RATE, TOOK = "credential_rotation_days_since_success", "secret_rotation_success_rate", "secret_rotation_job_duration_seconds"
WORKED, HEALTH = "secret_rotation_working_seconds", "secret_rotation_health_check_seconds"


def history(*visits: tuple[str, str, float]) -> list[Event]:
    """Kind, state and when it was entered; each is left when the next is entered."""
    made = []
    for kind, state, at in visits:
        made.append(Event(at, f"{kind}StateEntered", state))
    return made


WAITING = history(
    ("Task", "ReadSlots", 100),
    ("Wait", "WaitForRollout", 110),
    ("Task", "CheckRollout", 170),
    ("Task", "ValidateApp", 171),
    ("Task", "FlipSlot", 206),
    ("Wait", "OverlapWindow", 210),
    ("Task", "CheckDrained", 7410),
)


def ended(status: str = "SUCCEEDED", terminal: str = "", **given: Any) -> Outcome:
    """One that ended at 7500; by way of a terminal state if one is named."""
    steps = list(given.pop("history", WAITING))
    if terminal:
        steps += history(("Succeed" if status == "SUCCEEDED" else "Fail", terminal, 7490))
        steps += [Event(7500, "SucceedStateExited", terminal)] if status == "SUCCEEDED" else []
    steps.append(Event(7500, "ExecutionEnded"))
    mode, target = given.pop("mode", "rotate"), given.pop("target", "openemr")
    return Outcome(ARN, status, mode, target, "schedule", "", began=100, ended=7500, history=read(steps), **given)


def test_names_are_read_from_the_arn() -> None:
    outcome = ended()
    assert (outcome.name, outcome.machine) == ("2026-01-05", "credential-rotation")
    assert outcome.machine_arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:credential-rotation"


@pytest.mark.parametrize(("status", "terminal"), [("SUCCEEDED", "RotationSucceeded"), ("FAILED", "RolledBack")])
def test_the_terminal_state_is_the_last_that_was_entered(status: str, terminal: str) -> None:
    assert ended(status, terminal).terminal == terminal


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED", "FAILED"])
def test_one_that_was_cut_short_came_to_none(status: str) -> None:
    assert ended(status).terminal is None


def test_a_fail_inside_the_map_is_no_terminal_state_of_the_machine() -> None:
    inside = history(("Fail", "WriteSqlconfFailed", 120))
    assert ended("TIMED_OUT", history=inside).terminal is None
    assert ended("FAILED", history=[*inside, *history(("Task", "CloseFlip", 121))]).terminal is None


def test_an_execution_that_entered_nothing_came_to_none() -> None:
    assert ended("FAILED", history=[]).terminal is None


def test_working_is_all_but_waiting() -> None:
    assert ended("SUCCEEDED", "RotationSucceeded").measured()[TOOK] == 7400
    assert ended("SUCCEEDED", "RotationSucceeded").measured()[WORKED] == 7400 - 60 - 7200


def test_one_that_was_stopped_while_it_waited_worked_until_then() -> None:
    assert ended("ABORTED", history=history(("Task", "ReadSlots", 100), ("Wait", "WaitForDrain", 130))).working_seconds == 30


def test_the_health_check_is_as_long_as_its_longest_stay_all_tries_together() -> None:
    again = [*WAITING, *history(("Task", "ValidateApp", 7411), ("Task", "FlipSlot", 7421))]
    assert ended("SUCCEEDED", "RotationSucceeded", history=again).measured()[HEALTH] == 206 - 171
    tried = [*history(("Task", "ValidateApp", 10)), Event(30, "TaskFailed"), *history(("Task", "CloseFlip", 55))]
    assert ended("FAILED", "RolledBack", history=tried).measured()[HEALTH] == 45


def test_a_run_that_asked_no_health_has_none() -> None:
    assert HEALTH not in ended("FAILED", "RotationRefused", history=history(("Task", "ReadSlots", 100))).measured()


@pytest.mark.parametrize("terminal", ["RotationSucceeded", "Revoked"])
def test_a_success_is_a_hundred_percent_and_begins_the_days_anew(terminal: str) -> None:
    measured = ended("SUCCEEDED", terminal).measured()
    assert (measured[RATE], measured[DAYS], measured["credential_rotation_openemr_success"]) == (100, 0, 7_400_000)


@pytest.mark.parametrize(
    ("status", "terminal", "name"),
    [("FAILED", "RolledBack", "failed"), ("FAILED", "", "failed"), ("TIMED_OUT", "", "timed_out"), ("ABORTED", "", "aborted")],
)
def test_anything_else_is_none_and_the_days_go_on(status: str, terminal: str, name: str) -> None:
    measured = ended(status, terminal).measured()
    assert (measured[RATE], measured[f"credential_rotation_openemr_{name}"]) == (0, 7_400_000)
    assert DAYS not in measured


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        ("SUCCEEDED", "AlreadyRotated"),
        ("SUCCEEDED", "NothingToResume"),
        ("SUCCEEDED", "Restored"),
        ("FAILED", "RotationAlreadyRunning"),
        ("FAILED", "Superseded"),
    ],
)
def test_what_has_no_result_of_its_own_is_not_counted(status: str, terminal: str) -> None:
    assert terminal in ENDS
    assert ended(status, terminal).measured() == {}


@pytest.mark.parametrize("mode", ["dry-run", "verify", "sync-users", "fix-permissions", "no-such-mode"])
def test_what_is_no_job_is_not_counted(mode: str) -> None:
    assert mode not in JOBS
    assert ended("FAILED", "RotationRefused", mode=mode).measured() == {}


@pytest.mark.parametrize("target", ["", "Not A Name", "x" * 64, "a/b"])
def test_a_target_that_cannot_be_one_is_unknown_in_a_metrics_name(target: str) -> None:
    assert "credential_rotation_unknown_failed" in ended("FAILED", "RotationRefused", target=target).measured()
