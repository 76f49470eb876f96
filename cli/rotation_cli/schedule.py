"""When a schedule is due next, from what EventBridge Scheduler says of it. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_CRON = re.compile(r"cron\((\d+) (\d+) (\*|\d+) (\*|[\d,]+) \? \*\)")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


@dataclass(frozen=True)
class Schedule:
    """What starts rotations by itself; why not, where nothing does."""

    on: bool = False
    expression: str = ""
    what: str = ""
    next_run: datetime | None = None
    """None where it is off, or where the expression is not one of this template's."""
    why_not_known: str = ""


def next_run(expression: str, made: datetime, now: datetime) -> datetime | None:
    """In UTC, as this template's schedules are; None for an expression of another shape."""
    if rate := _RATE.fullmatch(expression):
        step = timedelta(**{f"{rate[2]}s": int(rate[1])})
        return made + step * ((now - made) // step + 1)
    if cron := _CRON.fullmatch(expression):
        minute, hour, day, months = cron.groups()
        wanted = range(1, 13) if months == "*" else [int(month) for month in months.split(",")]
        moment = now.astimezone(UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        for _ in range(800):
            if moment > now and moment.month in wanted and day in ("*", str(moment.day)):
                return moment
            moment += timedelta(days=1)
    return None
