"""PostgreSQL's error codes as our own errors. Codes do not change with the server's language; texts do, and quote statements."""

from rotation.core.errors import AccountLocked, RotationError, SourceBusy, SourceReadOnly, SourceRefused, SourceUnreachable
from rotation.sources.servers import Denied

DENIED = "28P01"
"""A wrong password, no such user, a user without a password, or one whose VALID UNTIL has passed: the server tells nobody which."""
NOT_PERMITTED, NO_LOGIN = "28000", "InitializeSessionUserId"
"""NOLOGIN, told after the password was found right; but also what pg_hba.conf refuses, told before: only the routine differs."""
NOT_TAKEN = ("22023", NOT_PERMITTED)
"""What a policy says of a password: passwordcheck the one, credcheck the other."""

POOLER = "08P01"
"""Every refusal of a pooler before the server: a wrong password, a user that it does not know, a failed login behind it."""
_UNREACHABLE = ("08", "53", "57", "58")
"""Classes: connection, resources (53300: too many), operator (57P03: starting; 57P01: shutting down; 57014: too slow), system."""
_BUSY = ("55P03", "40001", "40P01")
_READ_ONLY = ("25006",)
_WHAT = {
    "3D000": "has no such database",
    "42501": "does not permit that to this user",
    "55000": "does not take connections to this database",
    "42704": "has no such user or object",
    "42710": "has a user or object of that name",
    NOT_PERMITTED: "lets nobody of that name in from here (pg_hba.conf)",
}


def named(state: str, routine: str, host: str, refused: type[RotationError] = SourceRefused) -> RotationError:
    """Our own error for that code. `refused`: for a value that was not taken."""
    if state == DENIED:
        return Denied(f"{host} denied access")
    if refused is not SourceRefused and state in NOT_TAKEN:
        return refused(f"{host} did not take it, by its policy (SQLSTATE {state})")
    kind, what = _kind(state, routine)
    return kind(f"{host} {what} (SQLSTATE {state})")


def _kind(state: str, routine: str) -> tuple[type[RotationError], str]:
    if state == NOT_PERMITTED and routine == NO_LOGIN:
        return AccountLocked, "says that the user may not log in: ALTER ROLE … LOGIN"
    if state == POOLER:
        return SourceRefused, "is a pooler, and refuses this login"
    if state in _READ_ONLY:
        return SourceReadOnly, "is read-only: a reader, or a fail-over is under way"
    if state in _BUSY:
        return SourceBusy, "is held up by another session"
    if state.startswith(_UNREACHABLE):
        return SourceUnreachable, "did not answer in time, is full, starting or shutting down"
    return SourceRefused, _WHAT.get(state, "refused a statement")
