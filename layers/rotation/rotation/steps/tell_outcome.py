"""TellOutcome: when an execution has ended, tell people, start a `resume` if that can finish it, and measure it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.told.notice import (
    asks_for_intent,
    is_told,
    leaves_a_key,
    may_resume,
    nothing_started,
    notice,
    reminder,
    resume_of,
    summed_up_by,
)

if TYPE_CHECKING:
    from rotation.ports import Desk
    from rotation.told.outcome import Outcome


def tell_outcome(desk: Desk, execution: str) -> dict[str, Any]:
    """The event says no more than that it ended: what is encrypted with a key of ours is not in it, so Step Functions is asked.

    First the `resume`, then the message that names it. Called again for the same end, it tells the same again and starts nothing,
    also if that `resume` is done by then and no intent is open any more. What a fleet's summary says is told here only where that
    run was stopped or timed out: then no summary comes.
    """
    outcome = desk.outcome(execution)
    run = summed_up_by(outcome) if is_told(outcome) else ""
    told = is_told(outcome) and not (run and desk.comes_to_its_end(run))
    by_itself = _by_itself(desk, outcome) if outcome.status != "SUCCEEDED" else ""
    if told:
        desk.tell(notice(outcome, by_itself))
    elif leaves_a_key(outcome) and desk.is_by_hand(outcome.target):
        desk.tell(reminder(outcome))
        told = True
    return {"target": outcome.target, "terminal": outcome.terminal, "told": told, "measured": outcome.measured()}


def _by_itself(desk: Desk, outcome: Outcome) -> str:
    if not may_resume(outcome):
        return nothing_started(outcome)
    resume = resume_of(outcome)
    if asks_for_intent(outcome) and not desk.holds_intent(outcome.target):
        if not desk.has_started(outcome.machine_arn, resume):
            return nothing_started(outcome)
    elif failure := desk.start(outcome.machine_arn, resume):
        return f"a resume could not be started ({failure}): START ONE"
    return f"one resume was started, {resume.name}: look at how it ends"
