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


_AGAIN = "mend the cause, then start again"
_FINISHES = "mend the cause, then start again: the next run finishes the work"

ENDS: dict[str, End] = {
    "RotationSucceeded": End(
        Urgency.NOTHING,
        "the application uses another password; the old one and the admin's are refused (a key made by hand: once it is revoked)",
        "nothing",
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
        "both users log in with a recorded password; `synced.repaired` says what was repaired",
        "start a rotation",
    ),
    "PermissionsFixed": End(
        Urgency.NOTHING, "`sqlconf.php`, or each `wp-config.php`, has the owner and mode of the target", "nothing"
    ),
    "Verified": End(
        Urgency.NOTHING,
        "everything that a rotation needs was checked and is right; nothing was written",
        "read the warnings in `verified`, if any",
    ),
    "Revoked": End(
        Urgency.NOTHING,
        "both users and the admin have new passwords, the old ones are refused, and sessions of the old users were ended",
        "close the incident; look for what the intruder left in the database",
    ),
    "PrerequisiteMissing": End(
        Urgency.LOOK,
        "the application was not touched; a rotation would fail, or would not be safe. The Cause says why; "
        "the output of `Verify` lists everything",
        "mend what is named, then start `verify` again",
    ),
    "PermissionsNotFixed": End(
        Urgency.LOOK,
        "the owner or the mode of the file could not be set; its content was not touched",
        "make the access point's POSIX user the owner of the file, or 0; for WordPress the Cause names the instance",
    ),
    "UnknownMode": End(Urgency.LOOK, "nothing was read", "mend the input"),
    "RotationRefused": End(
        Urgency.LOOK,
        "nothing was touched; the Cause says what is wrong (target, secret, file, cluster, database)",
        "mend it, then start again",
    ),
    "RotationAlreadyRunning": End(
        Urgency.LOOK, "another execution is at work on this target; this one changed nothing", "let it finish"
    ),
    "NothingChanged": End(
        Urgency.LOOK, "the application was not touched; the user that is not in use may have been repaired", _AGAIN
    ),
    "RolledBack": End(Urgency.LOOK, "the application uses the credential that it had; what failed was undone", _AGAIN),
    "RestoreFailed": End(
        Urgency.PAGE,
        "the rollback did not finish; the application probably works, with its old login or with the new one",
        "look at the application, then start again",
    ),
    "FlipUnknown": End(
        Urgency.PAGE,
        "nobody knows whether Secrets Manager recorded the new slot as the active one: it did not answer. "
        "The application uses the new slot, and both logins work",
        "start again when Secrets Manager answers",
    ),
    "OldSlotNotRotated": End(
        Urgency.LOOK, "the application works on the new slot; the old password is still valid, or a copy of it is left", _FINISHES
    ),
    "AdminNotRotated": End(
        Urgency.LOOK,
        "the application works on the new slot and its old password is refused; the admin's password was not replaced",
        _FINISHES,
    ),
    "NotReleased": End(
        Urgency.LOOK,
        "everything was done, or everything was undone; only the lock is still there (the label `AWSPENDING`)",
        "start again",
    ),
    "Superseded": End(Urgency.LOOK, "another run or a person took over; this one stopped", "look at the run that is at work now"),
}
"""By the name of the terminal state."""

CUT_SHORT: dict[str, End] = {
    "TIMED_OUT": End(
        Urgency.LOOK,
        "the execution ran into the time limit of the whole machine; the application works, however far the run had come",
        "if a `resume` was started by itself, look how it ended; if not, start one",
    ),
    "ABORTED": End(
        Urgency.LOOK,
        "a person stopped the execution; the application works, however far the run had come",
        "start again when you are ready: the next run finishes the work",
    ),
    "FAILED": End(
        Urgency.LOOK,
        "the state machine itself failed before it came to one of its ends; the application works, however far the run had come",
        "if a `resume` was started by itself, look how it ended; if not, start one",
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
