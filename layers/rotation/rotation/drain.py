"""Has everybody let go of the old credential? Decided from one look and what the looks before it left behind."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

POLL_SECONDS = 10


class DrainStatus(StrEnum):
    """What the state machine does next."""

    DRAINED = "drained"
    WAITING = "waiting"
    REPUBLISH = "republish"


@dataclass(frozen=True)
class Look:
    """What one look at the world showed."""

    published: bool
    """Every consumer holds the new slot."""
    rolled_out: bool
    sessions: int
    """Of the users that are to be retired."""
    logins: int | None
    """How often they logged in so far; None where the server does not count."""


@dataclass(frozen=True)
class Drain:
    """What is carried from look to look."""

    began: float
    """When this run first looked: the deadline counts from here, whatever happens in between."""
    status: DrainStatus
    quiet_since: float | None = None
    logins: int | None = None
    wait_seconds: int = 1


def after(look: Look, before: Drain | None, now: float, quiet_seconds: float) -> Drain:
    """The quiet period starts in this run and starts again whenever anything stirs."""
    began = before.began if before else now
    if not look.published:
        return Drain(began, DrainStatus.REPUBLISH, None, look.logins)
    if not look.rolled_out or look.sessions:
        return Drain(began, DrainStatus.WAITING, None, look.logins, _wait(quiet_seconds))
    since = before.quiet_since if before and before.quiet_since is not None and before.logins == look.logins else now
    left = quiet_seconds - (now - since)
    if left <= 0:
        return Drain(began, DrainStatus.DRAINED, since, look.logins)
    return Drain(began, DrainStatus.WAITING, since, look.logins, _wait(left))


def _wait(left: float) -> int:
    return max(1, min(ceil(left), POLL_SECONDS))
