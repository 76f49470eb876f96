"""What came of one target in a fleet's run: decided at the flip, since overlap and drain may last days. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a target whose turn it was."""

    ROTATED = "rotated"
    """The application uses another credential. Overlap, drain and retirement go on by themselves, and are asked about tomorrow."""
    MEANWHILE = "meanwhile"
    """Somebody else rotated it after the fleet had looked."""
    BUSY = "busy"
    """Somebody else was at it."""
    FAILED = "failed"
    SLOW = "slow"
    """It had not flipped when the fleet's patience was over; it goes on by itself."""
    NOT_SAID = "not said"
    """Nothing was written down: a function died, or Step Functions did not answer."""

    @property
    def failed(self) -> bool:
        """Whether it counts against the budget."""
        return self in (Outcome.FAILED, Outcome.SLOW, Outcome.NOT_SAID)


FLIPPED_ENDS = ("OldSlotNotRotated", "AdminNotRotated", "NotReleased")
"""Ends of an execution that failed after its flip."""
OTHERS_WORK = ("RotationAlreadyRunning", "Superseded")
"""Ends of one that somebody else was faster than."""
UNSEEN_SECONDS = 300
"""So long an execution that was just started may not be seen yet."""


@dataclass(frozen=True)
class Seen:
    """What a look at one target's execution and labels shows."""

    flipped: bool
    """The labels say that this execution has moved the application."""
    there: bool
    running: bool
    end: str = ""
    """The state that it ended in; SUCCEEDED, ABORTED or TIMED_OUT where it came to none of its Fail states."""
    cause: str = ""


@dataclass(frozen=True)
class Came:
    """The outcome, with what there is to say about it."""

    outcome: Outcome
    why: str = ""


def came(seen: Seen, waited: float, patience: float) -> Came | None:
    """None: look again."""
    if seen.flipped or (seen.there and not seen.running and seen.end == "SUCCEEDED"):
        return Came(Outcome.ROTATED)
    if seen.running or (not seen.there and waited < UNSEEN_SECONDS):
        return Came(Outcome.SLOW, f"no flip within {waited:.0f} s; the rotation goes on by itself") if waited >= patience else None
    if not seen.there:
        return Came(Outcome.FAILED, "its execution was started and is not there")
    why = f"{seen.end}: {seen.cause}" if seen.cause else f"it ended {seen.end}"
    if seen.end in FLIPPED_ENDS:
        return Came(Outcome.ROTATED, why)
    return Came(Outcome.BUSY if seen.end in OTHERS_WORK else Outcome.FAILED, why)


LEAST_SECONDS, MOST_SECONDS = 2, 120
"""A lane of thirty targets none of which ever flips stays within the events that an execution may have."""


def poll_seconds(waited: float) -> int:
    """Until the next look: half of what was waited, so that a fast one is seen soon and a slow one costs little."""
    return max(LEAST_SECONDS, min(MOST_SECONDS, round(waited / 2)))
