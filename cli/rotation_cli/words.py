"""Dates and durations as people write and read them. Pure."""

from datetime import UTC, datetime

from rotation_cli.trouble import Trouble

YEARS = range(2000, 9001)
"""Beyond them no run began, and reckoning with days on either side would leave the calendar."""


def moment(text: str, what: str) -> datetime:
    """A date, or a date with a time, as ISO 8601 has it; in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(
            f"{what} {text!r} is not a date: write it as 2026-01-31, or 2026-01-31T03:00 for a time of day (UTC)"
        ) from None
    if found.year not in YEARS:
        raise Trouble(f"{what} {text!r} is in no year that can be reported on: give one from {YEARS[0]} to {YEARS[-1]}")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def shown(when: datetime | None) -> str:
    """To the minute, in UTC."""
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


def exact(when: datetime | None) -> str:
    """As it is, for another program."""
    return "" if when is None else when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasted(seconds: float | None) -> str:
    """As long as it takes to say and no longer."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.1f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36 * 3600 else f"{seconds / 86400:.1f} days"


def count(number: int, what: str) -> str:
    """One run, two runs."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
