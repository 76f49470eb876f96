"""TellOutcome over a desk of its own: what is asked, started and told, in which order."""

from dataclasses import dataclass, field

import pytest
from rotation.core.errors import NotAnnounced, OwnerUnknown
from rotation.steps.tell_outcome import tell_outcome
from rotation.told.history import Event, read
from rotation.told.notice import Notice, Resume
from rotation.told.outcome import Outcome

ARN = "arn:aws:states:eu-west-1:123456789012:execution:credential-rotation:run"


@dataclass
class SmallDesk:
    status: str = "FAILED"
    terminal: str = "OldSlotNotRotated"
    mode: str = "rotate"
    open_intent: bool = True
    refused: str = ""
    started_by: str = ""
    cut_short: frozenset[str] = frozenset()
    by_hand: bool = False
    done: list[str] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    started: list[tuple[str, Resume]] = field(default_factory=list)

    def outcome(self, arn: str) -> Outcome:
        entered = "SucceedStateEntered" if self.status == "SUCCEEDED" else "FailStateEntered"
        history = [Event(0, entered, self.terminal)] if self.terminal else []
        return Outcome(arn, self.status, self.mode, "openemr", self.started_by, "why", began=0, ended=5, history=read(history))

    def holds_intent(self, target: str) -> bool:
        self.done.append(f"looked at {target}")
        return self.open_intent

    def start(self, machine_arn: str, resume: Resume) -> str:
        self.done.append("started")
        self.started.append((machine_arn, resume))
        return self.refused

    def has_started(self, machine_arn: str, resume: Resume) -> bool:
        return (machine_arn, resume) in self.started

    def comes_to_its_end(self, execution: str) -> bool:
        return execution not in self.cut_short

    def is_by_hand(self, target: str) -> bool:
        return self.by_hand

    def tell(self, notice: Notice) -> None:
        self.done.append("told")
        self.told.append(notice)


def test_one_that_left_an_intent_open_is_resumed_and_the_message_names_the_resume() -> None:
    desk = SmallDesk()
    answer = tell_outcome(desk, ARN)
    assert desk.done == ["looked at openemr", "started", "told"]
    [(machine, resume)] = desk.started
    assert (machine, resume.name) == ("arn:aws:states:eu-west-1:123456789012:stateMachine:credential-rotation", "resume-run")
    assert "one resume was started, resume-run" in desk.told[0].text
    assert (answer["target"], answer["terminal"], answer["told"]) == ("openemr", "OldSlotNotRotated", True)
    assert answer["measured"]["secret_rotation_success_rate"] == 0


@pytest.mark.parametrize(
    ("terminal", "told"),
    [
        ("RolledBack", False),
        ("RotationRefused", False),
        ("NothingChanged", False),
        ("OldSlotNotRotated", True),
        ("FlipUnknown", True),
    ],
)
def test_a_fleets_summary_says_what_ended_before_the_flip_and_it_is_finished_all_the_same(terminal: str, told: bool) -> None:
    desk = SmallDesk(terminal=terminal, started_by="fleet fleet-2026-01-05")
    assert tell_outcome(desk, ARN)["told"] is told
    assert (bool(desk.told), bool(desk.started)) == (told, terminal not in ("RolledBack", "RotationRefused"))


def test_of_a_fleets_run_that_was_stopped_no_summary_comes_so_each_is_told() -> None:
    stopped = frozenset({"arn:aws:states:eu-west-1:123456789012:execution:credential-rotation-fleet:by-hand"})
    assert tell_outcome(SmallDesk(terminal="RolledBack", started_by="fleet by-hand", cut_short=stopped), ARN)["told"] is True
    assert tell_outcome(SmallDesk(terminal="RolledBack", started_by="fleet daily", cut_short=stopped), ARN)["told"] is False
    done = SmallDesk("SUCCEEDED", "RotationSucceeded", started_by="fleet by-hand", cut_short=stopped)
    assert tell_outcome(done, ARN)["told"] is False


def test_without_an_open_intent_none_is_started() -> None:
    desk = SmallDesk(open_intent=False)
    tell_outcome(desk, ARN)
    assert desk.done == ["looked at openemr", "told"]
    assert "no intent is open" in desk.told[0].text


def test_told_again_after_the_resume_is_done_it_still_names_it() -> None:
    """The message was lost, Lambda calls again, and by then no intent is open any more."""
    desk = SmallDesk()
    tell_outcome(desk, ARN)
    desk.open_intent = False
    tell_outcome(desk, ARN)
    assert len(desk.started) == 1
    assert desk.told[0] == desk.told[1]


def test_one_that_timed_out_is_resumed_without_a_look() -> None:
    desk = SmallDesk("TIMED_OUT", "")
    tell_outcome(desk, ARN)
    assert desk.done == ["started", "told"]


@pytest.mark.parametrize(
    "desk",
    [
        SmallDesk("ABORTED", ""),
        SmallDesk("FAILED", "RotationRefused"),
        SmallDesk(mode="resume"),
        SmallDesk("TIMED_OUT", "", mode="resume"),
        SmallDesk(mode="revoke"),
    ],
    ids=["a person stopped it", "it touched nothing", "a resume", "a resume timed out", "a revoke"],
)
def test_these_are_only_told(desk: SmallDesk) -> None:
    tell_outcome(desk, ARN)
    assert desk.done == ["told"]


def test_a_success_is_measured_and_nobody_is_told() -> None:
    desk = SmallDesk("SUCCEEDED", "RotationSucceeded")
    answer = tell_outcome(desk, ARN)
    assert (desk.done, answer["told"], answer["measured"]["secret_rotation_success_rate"]) == ([], False, 100)


def test_a_resume_that_could_not_be_started_is_left_to_the_reader() -> None:
    desk = SmallDesk(refused="ThrottlingException")
    tell_outcome(desk, ARN)
    assert "could not be started (ThrottlingException): START ONE" in desk.told[0].text


@pytest.mark.parametrize("method", ["outcome", "holds_intent", "tell"])
def test_what_could_not_be_asked_or_told_ends_in_an_error_so_that_lambda_calls_again(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = SmallDesk()
    error = NotAnnounced("no") if method == "tell" else OwnerUnknown("no")

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(desk, method, fails)
    with pytest.raises(type(error)):
        tell_outcome(desk, ARN)


def test_a_success_that_leaves_a_key_to_people_is_told_to_them() -> None:
    desk = SmallDesk(status="SUCCEEDED", terminal="RotationSucceeded", by_hand=True)
    assert tell_outcome(desk, ARN)["told"] is True
    [said] = desk.told
    assert said.subject == "credential-rotation openemr: revoke the old key"
    assert "rotation withdrawn openemr" in said.text
    assert desk.started == []


@pytest.mark.parametrize("terminal", ["AlreadyRotated", "PlanReported", "NothingToResume"])
def test_what_left_no_key_is_not_told(terminal: str) -> None:
    desk = SmallDesk(status="SUCCEEDED", terminal=terminal, by_hand=True)
    assert tell_outcome(desk, ARN)["told"] is False
