"""Which targets are due. All that is asked of the world is in `Facts`; the machine starts no rotation on any other ground."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rotation.core.classes import RotationClass

DAY = 86_400
AHEAD_DAYS = 1
"""A fleet looks once a day: what would be due before it looks again is due now."""


class Intent(StrEnum):
    """What is known of a rotation that has begun and not ended."""

    NONE = "none"
    LEFT = "left"
    """Whoever began it does not run any more. A rotation finishes it before it does anything else."""
    RUNNING = "running"


class Standing(StrEnum):
    """How a target stands, on the day that somebody asks."""

    OVERDUE = "overdue"
    DUE = "due"
    NOT_YET = "not yet"
    BUSY = "busy"
    """An execution is at it, or waits for the end of its overlap or its drain."""
    HELD = "held"
    """A person said: not until then."""
    UNKNOWN = "unknown"
    """Its document or its record could not be read, or another target has the same user, file or key: nobody can say that it is
    rotated. It is told, never passed over."""


ROTATED = (Standing.OVERDUE, Standing.DUE)
"""Those that a fleet rotates."""


@dataclass(frozen=True)
class Facts:
    """What the decision about one target rests on."""

    kind: RotationClass
    days: float | None
    """Since its password was last made new, or since its record was made; None where nobody could say."""
    intent: Intent = Intent.NONE
    held_until: float | None = None
    """In seconds since 1970."""
    trouble: str = ""
    """Why it could not be looked at, or what another target has too; empty where neither is so."""


def standing(facts: Facts, now: float, older_than: float | None = None) -> Standing:
    """A hold goes before all else, since a person said so; then whoever is at it already. `older_than`, in days: a person wants
    whatever was not made new since, though its class would leave it more time."""
    if facts.held_until is not None and facts.held_until > now:
        return Standing.HELD
    if facts.trouble or facts.days is None:
        return Standing.UNKNOWN
    if facts.intent is Intent.RUNNING:
        return Standing.BUSY
    if facts.days > facts.kind.overdue_days:
        return Standing.OVERDUE
    least = facts.kind.period_days - AHEAD_DAYS
    if facts.intent is Intent.LEFT or facts.days >= (least if older_than is None else min(least, older_than)):
        return Standing.DUE
    return Standing.NOT_YET


def is_late(facts: Facts) -> bool:
    """Whatever the reason why it is not rotated today: held and busy ones grow old too."""
    return facts.days is None or facts.days > facts.kind.overdue_days


def by_standing(standings: Iterable[Standing]) -> dict[str, int]:
    """How many of each, those that ask for most first; none is left out."""
    found = list(standings)
    return {str(one): found.count(one) for one in Standing}
