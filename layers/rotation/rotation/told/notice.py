"""What people are told when an execution did not succeed, and whether a `resume` is started by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from rotation.told.runbook import Urgency, end_of

if TYPE_CHECKING:
    from rotation.told.outcome import Outcome

STARTED_BY = "tell_outcome"
SUBJECT_LENGTH = 100
"""SNS takes no longer one, and in it only printable ASCII."""
CAUSE_LENGTH = 4000
NAME_LENGTH = 80
_DIGEST = 8
_FINISHED_BY_RESUME = ("NothingChanged", "RestoreFailed", "FlipUnknown", "OldSlotNotRotated", "AdminNotRotated", "NotReleased")
"""The ends that leave work to be finished. Of the others, some touched nothing and would be refused again, RolledBack let go of
its intent, and of Superseded another run has the intent now."""
_BEFORE_THE_FLIP = ("RotationRefused", "RotationAlreadyRunning", "NothingChanged", "RolledBack", "Superseded")
"""Ends before the flip that leave the application as it was: by then a fleet still looks."""
BY_FLEET = "fleet "
"""What a rotation says began it, before the name of the fleet's run."""
_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


@dataclass(frozen=True)
class Resume:
    """An execution that finishes what another left."""

    name: str
    """Follows from the other's name, so a second message about the same end starts none."""
    given: dict[str, str]


@dataclass(frozen=True)
class Notice:
    """What is sent."""

    subject: str
    text: str


def is_told(outcome: Outcome) -> bool:
    """Nobody is woken by a success."""
    return outcome.status != "SUCCEEDED"


def leaves_a_key(outcome: Outcome) -> bool:
    """Whether an old credential was left: where only people can revoke it, they are told of a success too."""
    return outcome.terminal == "RotationSucceeded"


def reminder(outcome: Outcome) -> Notice:
    """That there is a key to be revoked."""
    text = f"""\
The application of {outcome.target} uses its new key, and nothing uses the old one any more.

What to do:     revoke the old key where it was made, then: rotation withdrawn {outcome.target}
                It is accepted until you do. `rotation status` reminds of it until then.

rotation explain {outcome.name}
{_console(outcome.arn)}
"""
    return Notice(f"{outcome.machine} {outcome.target}: revoke the old key", text)


def summed_up_by(outcome: Outcome) -> str:
    """ARN of the fleet's run whose summary says it, as long as that comes to its end: nobody is woken by each of a fleet's targets.
    Empty where none does."""
    if not outcome.started_by.startswith(BY_FLEET) or outcome.terminal not in _BEFORE_THE_FLIP:
        return ""
    machine, _, _ = outcome.arn.rpartition(":")
    return f"{machine}-fleet:{outcome.started_by.removeprefix(BY_FLEET)}"


def may_resume(outcome: Outcome) -> bool:
    """Whether a `resume` could finish what this run left. Only after a `rotate`: a `resume` that failed is not to go on for ever,
    after a `revoke` it would make new only what was begun, and the other modes leave nothing, or are a person's work in progress.
    One that the machine failed before its claim left nothing either: an intent that is open may be of a run that a person stopped.
    """
    if outcome.mode != "rotate":
        return False
    if outcome.status == "FAILED":
        return outcome.claimed if outcome.terminal is None else outcome.terminal in _FINISHED_BY_RESUME
    return outcome.status == "TIMED_OUT"


def asks_for_intent(outcome: Outcome) -> bool:
    """Whether it matters if an intent is open. One that ran into the machine's time limit is resumed in any case."""
    return may_resume(outcome) and outcome.status == "FAILED"


def resume_of(outcome: Outcome) -> Resume:
    """The one `resume` that belongs to an end."""
    given = {
        "mode": "resume",
        "target": outcome.target,
        "reason": f"{outcome.name} {outcome.status}",
        "started_by": STARTED_BY,
    }
    name = f"resume-{outcome.name}"
    if len(name) > NAME_LENGTH:
        name = f"{name[: NAME_LENGTH - _DIGEST - 1]}-{sha256(name.encode()).hexdigest()[:_DIGEST]}"
    return Resume(name, given)


def nothing_started(outcome: Outcome) -> str:
    """Why no `resume` follows, for the reader."""
    if outcome.status == "ABORTED":
        return "nothing: a person stopped it, so a person decides"
    if outcome.mode == "resume":
        return "nothing: this was a resume already"
    if outcome.mode == "revoke":
        return "nothing: a resume would finish only what was begun. START revoke AGAIN until it ends Revoked"
    if outcome.mode == "rotate" and outcome.status == "FAILED" and not (outcome.terminal or outcome.claimed):
        return "nothing: this run had claimed nothing; if an intent is open, it is another run's"
    if not may_resume(outcome):
        return "nothing: a resume would change nothing here"
    return "nothing: no intent is open, so there is nothing to finish"


def notice(outcome: Outcome, by_itself: str) -> Notice:
    """The message. `by_itself`: what was started, or why nothing was."""
    end = end_of(outcome.status, outcome.terminal, outcome.mode)
    page = end.urgency is Urgency.PAGE
    what = outcome.terminal or outcome.status
    who = f", started by {outcome.started_by}" if outcome.started_by else ""
    text = f"""\
{"PAGE SOMEONE. " if page else ""}The execution {outcome.name} of {outcome.machine} ended {what}.

What happened:  mode {outcome.mode}, target {outcome.target}{who}; {outcome.status} after {_span(outcome.seconds)}
Cause:          {_cut(outcome.cause, CAUSE_LENGTH) or "none given"}
What is true:   {end.true}
What to do:     {end.do}
By itself:      {by_itself}

rotation explain {outcome.name}
{_console(outcome.arn)}
"""
    return Notice(f"{'PAGE: ' if page else ''}{outcome.machine} {outcome.target}: {outcome.mode} ended {what}", text)


def fitting_subject(text: str) -> str:
    """As SNS takes it: what an execution's input says can be anything, a subject cannot."""
    return _cut(re.sub(r"[^ -~]+", "?", text), SUBJECT_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _console(arn: str) -> str:
    _, partition, _, region, *_ = arn.split(":")
    host = _CONSOLES.get(partition, "console.aws.amazon.com")
    return f"https://{region}.{host}/states/home?region={region}#/v2/executions/details/{arn}"
