"""The words of the domain as types. Passwords live in `Password` and `SecretText` and nowhere else."""

import hmac
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class Password:
    """A password that does not show itself: printing, logging or serialising it never gives the value away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Every call is a place where it could escape: keep them few and visible."""
        return self._value

    @property
    def is_empty(self) -> bool:
        """Of an entry of the record that nobody has filled yet."""
        return not self._value

    def __repr__(self) -> str:
        return "Password(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Password):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Password is not to be pickled")


class SecretText(Password):
    """The whole JSON text of a secret's version: as confidential as the passwords in it."""

    def __repr__(self) -> str:
        return "SecretText(***)"


class Slot(StrEnum):
    """One of the database users that take turns: two, A and B, or a longer ring."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"


CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
LAST = "AWSPREVIOUS"
STAGING = "ROTATION"
"""A label that means nothing: it keeps a new version off AWSCURRENT and AWSPENDING until the swap."""

PREVIOUS = "previous"
"""The third entry of an intent: the credential that a first rotation (bootstrap) found in use."""


class Direction(StrEnum):
    """Whether a publish carries the rotation on, undoes it, tells those who keep every user's password of a new one, or destroys
    copies of one that is refused by now."""

    FORWARD = "forward"
    RESTORE = "restore"
    RETIRE = "retire"
    WITHDRAW = "withdraw"


class Mark(NamedTuple):
    """What one publish is recognised by: repeated it is the same, another one of the same execution has another."""

    text: str
    closes: bool = False
    """Undoing: what an earlier publish may still do late must find that it has lost."""


class Terms(NamedTuple):
    """Where a mode goes beyond a rotation, which waits until it is alone and nobody uses what it is about to change."""

    takes_over: bool = False
    """It goes ahead although the execution that has the lock still runs: that one stops at its next act."""
    needs_slots: bool = False
    """It refuses while the application uses a user that is neither slot: that one's password it could not make new."""
    renews_each_round: bool = False
    """A new password for each round, also where the rotation's id says that it was made already."""
    skips_overlap: bool = False
    """The old credential's time is over as soon as the application has moved."""
    ignores_others: bool = False
    """Only the application is waited for; a password changes also while others use it: they are whom it is taken from."""
    ends_sessions: bool = False
    """Once a password is refused, the sessions that it began end too."""


class Mode(StrEnum):
    """What a run is asked to do."""

    ROTATE = "rotate"
    DRY_RUN = "dry-run"
    RESUME = "resume"
    SYNC_USERS = "sync-users"
    FIX_PERMISSIONS = "fix-permissions"
    REVOKE = "revoke"
    VERIFY = "verify"

    @property
    def terms(self) -> Terms:
        """Asked for by name wherever a step does not do the same in every mode."""
        return _REVOCATION if self is Mode.REVOKE else _ROTATION


_ROTATION = Terms()
_REVOCATION = Terms(
    takes_over=True, needs_slots=True, renews_each_round=True, skips_overlap=True, ignores_others=True, ends_sessions=True
)


class RotationStep(StrEnum):
    """What an intent is about to make current: another active slot, or a new password for the old one."""

    FLIP = "flip"
    RETIRE = "retire"


@dataclass(frozen=True)
class Credential:
    """A login, and where to use it."""

    username: str
    password: Password
    host: str
    """Empty where a consumer does not say, or says another place: the application of a proxy's. A key has none."""
    port: int | None
    """None where a consumer does not say: the Kubernetes Secret of OpenEMR has no key for it."""
    dbname: str
    """Empty where a consumer does not say."""

    @property
    def is_none(self) -> bool:
        """Whether nothing was issued for it yet, or what was is withdrawn: no key at all."""
        return not self.username

    def at_place_of(self, other: "Credential") -> "Credential":
        """The same, with the other's name, host, port and database where it does not say them itself."""
        port = other.port if self.port is None else self.port
        username = self.username or other.username
        return replace(self, username=username, host=self.host or other.host, port=port, dbname=self.dbname or other.dbname)

    def with_login(self, username: str, password: Password) -> "Credential":
        """Another login at the same place."""
        return replace(self, username=username, password=password)

    def same_login(self, other: "Credential | None") -> bool:
        """Whether both are the same user with the same password (where they point may differ)."""
        return other is not None and (self.username, self.password) == (other.username, other.password)


NO_KEY = Credential("", Password(""), "", None, "")
"""What an entry holds for which no key is issued: never published, never tried."""


@dataclass(frozen=True)
class RotationTag:
    """Who wrote a version, for which rotation, to do what, and from which version it was made."""

    id: str
    owner: str
    step: RotationStep
    made_from: str
    leaves: Slot | None = None
    """The slot whose password the rotation retires. None where that follows from the active one: of two, it is the other."""


@dataclass(frozen=True)
class Version:
    """A version of a secret, found by a label that it carries."""

    id: str
    text: SecretText
    labels: frozenset[str]
    """All that it carries."""


@dataclass(frozen=True)
class Labels:
    """Which version of a secret carries which of the staging labels that mean something to us."""

    current: str
    pending: str | None = None
    previous: str | None = None
