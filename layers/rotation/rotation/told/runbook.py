"""What every end of an execution means: what is true of the application, and what a person is to do.

One place, for the message that wakes somebody, for `rotation explain`, and for the table of docs/operating.md, which a test
holds to it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """What an end asks of people."""

    NOTHING = "nothing"
    LOOK = "look"
    """In office hours: the application is served, on a credential that is recorded."""
    PAGE = "page"
    """Now: the application may not be served, or a credential that was stolen still works."""


@dataclass(frozen=True)
class End:
    """An end of an execution, in words for people."""

    urgency: Urgency
    true: str
    do: str


_AGAIN = "mend the cause, start again"
_FINISHES = "mend the cause, start again: it finishes"

ENDS: dict[str, End] = {
    "RotationSucceeded": End(
        Urgency.NOTHING, "the application uses another password; the old one and the admin's are refused", "nothing"
    ),
    "AlreadyRotated": End(Urgency.NOTHING, "this scheduled time was rotated before", "nothing"),
    "PlanReported": End(
        Urgency.NOTHING,
        "dry run: nothing was written; the output says what would be done",
        "read `situation.reason` and `situation.plan`",
    ),
    "NothingToResume": End(Urgency.NOTHING, "no run was interrupted, and the application uses what `AWSCURRENT` says", "nothing"),
    "Restored": End(Urgency.NOTHING, "mode resume: the application is back on what `AWSCURRENT` says", "nothing"),
    "UsersSynced": End(
        Urgency.NOTHING,
        "both users log in with a recorded password; `synced.repaired` says what had to be done",
        "start a rotation",
    ),
    "PermissionsFixed": End(
        Urgency.NOTHING, "`sqlconf.php`, or each `wp-config.php`, has the owner and mode of the target", "nothing"
    ),
    "Verified": End(
        Urgency.NOTHING, "every prerequisite was probed and holds; nothing was written", "read the warnings in `verified`, if any"
    ),
    "Revoked": End(
        Urgency.NOTHING,
        "both users and the admin have new passwords, the old ones are refused, and sessions of the old users were ended",
        "close the incident; look for what the intruder left in the database",
    ),
    "PrerequisiteMissing": End(
        Urgency.LOOK,
        "the application is untouched; a rotation would fail or is not safe: the Cause says why, the output of `Verify` lists all",
        "mend what is named, start `verify` again",
    ),
    "PermissionsNotFixed": End(
        Urgency.LOOK,
        "owner or mode could not be set; the content is untouched",
        "the access point's POSIX user must own the file, or be 0; of WordPress the Cause names the instance",
    ),
    "UnknownMode": End(Urgency.LOOK, "nothing was read", "mend the input"),
    "RotationRefused": End(
        Urgency.LOOK,
        "nothing was touched; the Cause says what is wrong (target, secret, file, cluster, database)",
        "mend it, start again",
    ),
    "RotationAlreadyRunning": End(Urgency.LOOK, "another execution has the lock; this one changed nothing", "let it finish"),
    "NothingChanged": End(Urgency.LOOK, "the application is untouched; the standby user may have been repaired", _AGAIN),
    "RolledBack": End(
        Urgency.LOOK, "the application uses the credential it had; a failed publish or validation was undone", _AGAIN
    ),
    "RestoreFailed": End(
        Urgency.PAGE,
        "undoing did not complete; the application may well work, on either slot",
        "look at the application, then start again",
    ),
    "FlipUnknown": End(
        Urgency.PAGE,
        "Secrets Manager did not say whether the flip was recorded; the application uses the new slot, both work",
        "start again when it answers",
    ),
    "OldSlotNotRotated": End(
        Urgency.LOOK, "the application works on the new slot; the old password is still valid, or a copy of it is left", _FINISHES
    ),
    "AdminNotRotated": End(
        Urgency.LOOK, "the application works on the new slot and the old password is retired; only the admin's is not", _FINISHES
    ),
    "NotReleased": End(Urgency.LOOK, "all is done or undone; only `AWSPENDING` is still held", "start again"),
    "Superseded": End(Urgency.LOOK, "another run or a person took over; this one stopped", "look at the run that is going on"),
}
"""By the name of the terminal state."""

CUT_SHORT: dict[str, End] = {
    "TIMED_OUT": End(
        Urgency.LOOK,
        "the execution ran into the time limit of the whole machine; every mixture that it can leave works",
        "if a `resume` was started by itself, look at how it ended; else start one",
    ),
    "ABORTED": End(
        Urgency.LOOK, "a person stopped the execution; every mixture that it can leave works", "start again when ready: it finishes"
    ),
    "FAILED": End(
        Urgency.LOOK,
        "the machine itself failed before it came to one of its ends; every mixture that it can leave works",
        "if a `resume` was started by itself, look at how it ended; else start one",
    ),
}
"""By the execution's status: ends without a terminal state of ours."""


def end_of(status: str, terminal: str | None, mode: str = "rotate") -> End:
    """What it means that an execution of that mode ended so; `terminal` is its terminal state, where it came to one."""
    end = _end_of(status, terminal)
    if mode == "revoke" and terminal != "Revoked":
        return End(Urgency.PAGE, f"{end.true}; the stolen credentials may still work", f"{end.do}; then start `revoke` again")
    return end


def _end_of(status: str, terminal: str | None) -> End:
    return ENDS.get(terminal or "") or CUT_SHORT.get(status) or CUT_SHORT["FAILED"]
