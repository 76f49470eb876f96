"""Has everybody let go of the old credential? Decided from one look and what the looks before it left behind."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

POLL_SECONDS = 10
POLLS = 500
"""How often one drain may be looked at, at most: an execution's history holds 25,000 events, a look takes nine."""
RECENT_SECONDS = 30
"""How long after the look at which instances were asked their answers count: until the look after the alter, too."""
REPUBLISHES = 1
"""How often a consumer is put back on the new slot before somebody else is taken to be changing it on purpose."""


class DrainStatus(StrEnum):
    """What the state machine does next."""

    DRAINED = "drained"
    WAITING = "waiting"
    REPUBLISH = "republish"
    DISTURBED = "disturbed"
    """Set by the state machine, when an altering step saw somebody that the look before it had not."""


class Hold(StrEnum):
    """What all instances hold, as far as they said."""

    SAME = "same"
    UNKNOWN = "unknown"
    """One has not answered: it boots, or its agent does not."""
    OTHER = "other"
    """All have answered, and one holds another version."""


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
    instances: Hold = Hold.SAME
    """What they hold, as far as they said; a target without any has nothing that differs."""


@dataclass(frozen=True)
class Drain:
    """What is carried from look to look."""

    began: float
    """When this run first looked: the deadline counts from here, whatever happens in between."""
    status: DrainStatus
    quiet_since: float | None = None
    logins: int | None = None
    wait_seconds: int = POLL_SECONDS
    republished: int = 0


def after(look: Look, before: Drain | None, now: float, quiet_seconds: int, deadline_seconds: int, cache_seconds: int = 0) -> Drain:
    """The quiet period starts in this run and starts again whenever anything stirs. `cache_seconds`: for how long the application
    may go on with what it read before a consumer was put right again; the next look comes after that."""
    base = before or Drain(now, DrainStatus.WAITING)
    if not look.published or look.instances is Hold.OTHER:
        again = replace(base, status=DrainStatus.REPUBLISH, quiet_since=None, logins=look.logins)
        return replace(again, wait_seconds=max(POLL_SECONDS, cache_seconds), republished=base.republished + 1)
    if not look.rolled_out or look.sessions:
        return _waiting(base, None, look, _wait(quiet_seconds, deadline_seconds))
    since = base.quiet_since if _undisturbed(base, look) else None
    if since is None and look.instances is Hold.UNKNOWN:
        return _waiting(base, None, look, _wait(quiet_seconds, deadline_seconds))
    since = now if since is None else since
    left = quiet_seconds - (now - since)
    if left <= 0 and look.instances is Hold.UNKNOWN:
        return _waiting(base, since, look, _wait(POLL_SECONDS, deadline_seconds))
    if left <= 0:
        return replace(base, status=DrainStatus.DRAINED, quiet_since=since, logins=look.logins)
    return _waiting(base, since, look, _wait(left, deadline_seconds))


def asks(before: Drain | None, now: float, quiet_seconds: int) -> bool:
    """Whether instances are asked what they hold: before the quiet period begins, and again at its end."""
    return before is None or before.quiet_since is None or now - before.quiet_since >= quiet_seconds


def heard_since(before: Drain | None, now: float, deadline_seconds: int) -> float:
    """An answer counts only if it is no older than this: it is of the last look, and at the end of the quiet period it is of that
    period."""
    recent = now - max(POLL_SECONDS, ceil(deadline_seconds / POLLS)) - RECENT_SECONDS
    return max(recent, (before.quiet_since if before else None) or 0.0)


def _undisturbed(base: Drain, look: Look) -> bool:
    return base.status is not DrainStatus.DISTURBED and base.logins == look.logins


def _waiting(base: Drain, since: float | None, look: Look, seconds: int) -> Drain:
    return replace(base, status=DrainStatus.WAITING, quiet_since=since, logins=look.logins, wait_seconds=seconds)


def _wait(left: float, deadline_seconds: int) -> int:
    """Until the quiet period may be over; never so often that the looks of one drain outgrow an execution's history."""
    return max(1, ceil(deadline_seconds / POLLS), min(ceil(left), POLL_SECONDS))
