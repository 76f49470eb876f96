"""What people are told of an end, and whether a `resume` follows by itself."""

import re
from typing import Any

import pytest
from rotation.told.history import Event, read
from rotation.told.notice import (
    CAUSE_LENGTH,
    NAME_LENGTH,
    SUBJECT_LENGTH,
    asks_for_intent,
    fitting_subject,
    is_told,
    may_resume,
    nothing_started,
    notice,
    resume_of,
)
from rotation.told.outcome import Outcome
from rotation.told.runbook import ENDS, Urgency, end_of

MACHINE = "arn:aws:states:eu-west-1:123456789012:execution:credential-rotation"
LEAVE_WORK = {"NothingChanged", "RestoreFailed", "FlipUnknown", "OldSlotNotRotated", "AdminNotRotated", "NotReleased"}
FAILS = sorted(name for name, end in ENDS.items() if end.urgency is not Urgency.NOTHING)

CLAIMED = [Event(0, f"TaskState{done}", "ClaimRotation") for done in ("Entered", "Exited")]


def ended(status: str = "FAILED", terminal: str = "", **given: Any) -> Outcome:
    history = read(given.pop("history", [Event(0, "FailStateEntered", terminal)] if terminal else []))
    values = {"arn": f"{MACHINE}:run", "mode": "rotate", "target": "openemr", "started_by": "schedule", "cause": "because"}
    return Outcome(status=status, began=0, ended=3725, history=history, **{**values, **given})


def test_a_success_wakes_nobody() -> None:
    assert not is_told(ended("SUCCEEDED", "RotationSucceeded"))
    assert all(is_told(ended(status)) for status in ("FAILED", "TIMED_OUT", "ABORTED"))


# ---- whether a resume follows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", FAILS)
def test_of_a_rotation_that_failed_a_resume_follows_only_if_it_left_work(terminal: str) -> None:
    outcome = ended("FAILED", terminal)
    assert may_resume(outcome) == asks_for_intent(outcome) == (terminal in LEAVE_WORK)


def test_one_that_the_machine_failed_is_resumed_if_an_intent_is_open_and_one_that_timed_out_in_any_case() -> None:
    broken, timed_out = ended("FAILED", history=CLAIMED), ended("TIMED_OUT")
    assert (may_resume(broken), asks_for_intent(broken)) == (True, True)
    assert (may_resume(timed_out), asks_for_intent(timed_out)) == (True, False)


@pytest.mark.parametrize("history", [[], CLAIMED[:1]], ids=["broken input", "no answer to its claim"])
def test_one_that_the_machine_failed_before_it_had_claimed_is_not_resumed(history: list[Event]) -> None:
    """The intent that is open then may be of a run that a person stopped, who decides when it goes on."""
    broken = ended("FAILED", history=history)
    assert not may_resume(broken)
    assert "this run had claimed nothing" in nothing_started(broken)


@pytest.mark.parametrize("status", ["ABORTED", "SUCCEEDED"])
def test_what_a_person_stopped_and_what_went_well_is_let_alone(status: str) -> None:
    assert not may_resume(ended(status))


@pytest.mark.parametrize("mode", ["resume", "revoke", "dry-run", "verify", "sync-users", "fix-permissions", "", "made-up"])
@pytest.mark.parametrize(("status", "terminal"), [("FAILED", "OldSlotNotRotated"), ("FAILED", ""), ("TIMED_OUT", "")])
def test_no_resume_follows_another_mode(mode: str, status: str, terminal: str) -> None:
    assert not may_resume(ended(status, terminal, mode=mode))


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (ended("ABORTED"), "a person stopped it"),
        (ended("ABORTED", mode="revoke"), "a person stopped it"),
        (ended("FAILED", "OldSlotNotRotated", mode="resume"), "a resume already"),
        (ended("FAILED", "OldSlotNotRotated", mode="revoke"), "START revoke AGAIN"),
        (ended("FAILED", "RotationRefused"), "would change nothing"),
        (ended("FAILED", "PrerequisiteMissing", mode="verify"), "would change nothing"),
        (ended("FAILED", "OldSlotNotRotated"), "no intent is open"),
    ],
)
def test_where_none_follows_the_reader_is_told_why(outcome: Outcome, why: str) -> None:
    assert nothing_started(outcome).startswith("nothing: ")
    assert why in nothing_started(outcome)


def test_the_resume_says_for_what_and_by_whom_it_was_started() -> None:
    resume = resume_of(ended("TIMED_OUT", target="another"))
    assert resume.name == "resume-run"
    assert resume.given == {"mode": "resume", "target": "another", "reason": "run TIMED_OUT", "started_by": "tell_outcome"}


def test_its_name_follows_from_the_other_ones_and_fits_however_long_that_is() -> None:
    fits, long, other = "n" * (NAME_LENGTH - 7), "n" * 79 + "1", "n" * 79 + "2"
    names = [resume_of(ended(arn=f"{MACHINE}:{name}")).name for name in (fits, long, long, other)]
    assert names[0] == f"resume-{fits}"
    assert names[1] == names[2] != names[3]
    assert all(len(name) == NAME_LENGTH and re.fullmatch(r"[\w-]+", name) for name in names)


# ---- the message --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", FAILS)
def test_the_message_says_what_happened_what_is_true_and_what_to_do(terminal: str) -> None:
    told = notice(ended("FAILED", terminal), "nothing: really")
    end = end_of("FAILED", terminal)
    lines = dict(line.split(":", 1) for line in told.text.splitlines() if re.match(r"[A-Z][a-z ]+: ", line))
    assert {name: text.strip() for name, text in lines.items()} == {
        "What happened": "mode rotate, target openemr, started by schedule; FAILED after 1 h 2 min",
        "Cause": "because",
        "What is true": end.true,
        "What to do": end.do,
        "By itself": "nothing: really",
    }
    assert told.text.startswith("PAGE SOMEONE. ") == told.subject.startswith("PAGE: ") == (end.urgency is Urgency.PAGE)
    assert terminal in told.subject


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED", "FAILED"])
def test_one_without_a_terminal_state_is_called_by_its_status(status: str) -> None:
    told = notice(ended(status), "nothing")
    assert told.subject == f"credential-rotation openemr: rotate ended {status}"
    assert end_of(status, None).true in told.text


def test_a_revoke_that_did_not_end_well_pages_somebody_whatever_it_ended_in() -> None:
    assert notice(ended("FAILED", "RolledBack", mode="revoke"), "nothing").subject.startswith("PAGE: ")


def test_the_message_leads_to_the_execution() -> None:
    *_, command, link = notice(ended(), "nothing").text.strip().splitlines()
    assert command == "rotation explain run"
    assert link == f"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{MACHINE}:run"


@pytest.mark.parametrize(
    ("partition", "host"), [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")]
)
def test_elsewhere_the_console_is_elsewhere(partition: str, host: str) -> None:
    arn = f"arn:{partition}:states:there:123456789012:execution:m:run"
    assert f"https://there.{host}/states/" in notice(ended(arn=arn), "nothing").text


@pytest.mark.parametrize("target", ["ö" * 300, "two\nlines", "tab\there", "x" * 300])
def test_a_subject_is_one_that_sns_takes_whatever_the_input_said(target: str) -> None:
    subject = fitting_subject(notice(ended(target=target), "nothing").subject)
    assert len(subject) <= SUBJECT_LENGTH
    assert re.fullmatch(r"[ -~]+", subject)


def test_a_long_cause_is_cut_and_none_is_said() -> None:
    assert len(notice(ended(cause="c" * 30_000), "nothing").text) < CAUSE_LENGTH + 1500
    assert "c..." in notice(ended(cause="c" * 30_000), "nothing").text
    assert "c..." not in notice(ended(cause="c" * CAUSE_LENGTH), "nothing").text
    assert "none given" in notice(ended(cause=""), "nothing").text


def test_who_started_it_is_left_out_where_nobody_says() -> None:
    assert "target openemr; FAILED" in notice(ended(started_by=""), "nothing").text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599.6, "1 h 0 min"), (90_000, "25 h 0 min")]
)
def test_a_span_reads_as_people_say_it(seconds: float, text: str) -> None:
    values = ended().__dict__ | {"ended": seconds}
    assert f"FAILED after {text}" in notice(Outcome(**values), "nothing").text
