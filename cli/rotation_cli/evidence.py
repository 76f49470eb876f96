"""What an auditor asks of a stretch of time: every rotation, what failed and what mended it, and what did not happen. Pure."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from rotation.core.classes import RotationClass
from rotation.told.notice import BY_FLEET
from rotation.told.outcome import DONE, NO_RESULT
from rotation.told.runbook import Urgency

from rotation_cli.history import Run

LOOKS = ("verify", "dry-run")
"""Modes that change nothing: they are counted, and are no rotations."""
DAY = 86400
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Starter:
    """What started a run, and who."""

    kind: str
    """schedule, person, automatic or unknown."""
    who: str = UNKNOWN


@dataclass(frozen=True)
class FollowUp:
    """What came after a failure."""

    attempts: tuple[Run, ...]
    """Later runs of the same target, up to the one that mended it."""
    mended_by: Run | None
    after_seconds: float | None
    """From the failure's end to the end of the run that mended it."""


@dataclass(frozen=True)
class Entry:
    """One rotation, and what can be said of it."""

    run: Run
    starter: Starter
    follow_up: FollowUp | None
    """None unless it failed."""
    stopped_by: str = ""
    """Who, where CloudTrail says so."""

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than it should."""
        return failed(self.run)

    @property
    def lasting(self) -> bool:
        """Whether it failed and something is still to be mended. There is nothing to mend of a target that does not exist."""
        mended = self.follow_up is not None and self.follow_up.mended_by is not None
        return self.failed and not mended and not of_no_target(self.run)


@dataclass(frozen=True)
class Gap:
    """A time without a new password that was longer than the target's class allows."""

    target: str
    since: datetime
    until: datetime
    allowed_days: int
    missed: int
    """How many runs that were due in it never began."""
    attempts: tuple[Run, ...]
    """Runs that did begin in it, and did not renew the password."""
    opened_by: str
    """The rotation before it, or what stands for one."""
    closed_by: str
    """The rotation that ended it; empty if none has."""

    @property
    def days(self) -> float:
        """How long it was."""
        return (self.until - self.since).total_seconds() / DAY


@dataclass(frozen=True)
class Window:
    """The time that is reported on: from the first moment up to, but without, the last."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether it happened within."""
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Grounds:
    """What a report rests on, and how far that reaches."""

    since: datetime
    """Of what was before, nothing is known."""
    said: Mapping[str, str] = field(default_factory=dict)
    """What an auditor asks about the log and the stack, and the answer."""


@dataclass(frozen=True)
class Evidence:
    """The whole report, as facts."""

    stack: str
    window: Window
    made_at: datetime
    source: str
    classes: Mapping[str, RotationClass]
    entries: Sequence[Entry]
    gaps: Sequence[Gap]
    looks: Mapping[str, Mapping[str, int]]
    """Runs that change nothing: mode, then outcome, then how many."""
    grounds: Grounds
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def blind(self) -> bool:
        """All of the window was before the first evidence: that nothing is missing cannot be said."""
        return self.window.end <= self.grounds.since

    @property
    def half_blind(self) -> bool:
        """Its beginning was."""
        return self.window.start < self.grounds.since < self.window.end

    @property
    def rotations(self) -> list[Entry]:
        """Those after which the application uses another password."""
        return [entry for entry in self.entries if entry.run.outcome in DONE]

    @property
    def failures(self) -> list[Entry]:
        """Those that ended otherwise than they should."""
        return [entry for entry in self.entries if entry.failed]

    @property
    def open_failures(self) -> list[Entry]:
        """Those that no later run has mended."""
        return [entry for entry in self.failures if entry.lasting]

    @property
    def incidents(self) -> list[Entry]:
        """Credentials that were taken for compromised."""
        return [entry for entry in self.entries if entry.run.mode == "revoke"]

    @property
    def missed(self) -> int:
        """Runs that were due and never began."""
        return sum(gap.missed for gap in self.gaps)

    def figures(self) -> dict[str, Any]:
        """What stands at the top."""
        return {
            "runs": len(self.entries),
            "renewed": len(self.rotations),
            "failed": len(self.failures),
            "not_mended": len(self.open_failures),
            "missed": None if self.blind else self.missed,
            "gaps": None if self.blind else len(self.gaps),
            "incidents": len(self.incidents),
            "seconds": _spread([entry.run.seconds(self.made_at) for entry in self.rotations]),
            "working_seconds": _spread([entry.run.working(self.made_at) for entry in self.rotations]),
        }


@dataclass(frozen=True)
class Found:
    """What a report is made from."""

    source: str
    runs: Sequence[Run]
    """Also those before and after the window, for what led to a gap and what mended a failure."""
    classes: Mapping[str, RotationClass]
    """Of each target."""
    known_since: datetime
    """When the stack was made, before which nothing can be missing."""
    grounds: Grounds | None = None
    """None: all that is asked of is known since the stack was made."""
    starters: Mapping[str, Starter] = field(default_factory=dict)
    """By ARN, for runs that do not say themselves."""
    stoppers: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def assemble(stack: str, window: Window, made_at: datetime, found: Found) -> Evidence:
    """The report."""
    every = sorted(found.runs, key=lambda run: run.began)
    changing = [run for run in every if run.mode not in LOOKS]
    inside = [run for run in changing if window.holds(run.began)]
    entries = [
        Entry(run, found.starters.get(run.arn) or starter_of(run), follow_up(run, changing), found.stoppers.get(run.arn, ""))
        for run in inside
    ]
    end = min(window.end, made_at)
    gaps = [
        gap for target, kind in found.classes.items() for gap in gaps_of(target, kind, changing, window, end, found.known_since)
    ]
    grounds = found.grounds or Grounds(found.known_since)
    looks: dict[str, Counter[str]] = {}
    for run in every:
        if run.mode in LOOKS and window.holds(run.began):
            looks.setdefault(run.mode, Counter())[run.outcome] += 1
    return Evidence(stack, window, made_at, found.source, found.classes, entries, gaps, looks, grounds, tuple(found.notes))


def starter_of(run: Run) -> Starter:
    """What the run's own input says."""
    said = str(run.given.get("started_by") or "")
    if said == "schedule" or (not said and run.given.get("scheduled_time")):
        return Starter("schedule", "as its input says")
    if said == "tell_outcome":
        return Starter("automatic", "tell_outcome, after a failure")
    if said.startswith(BY_FLEET):
        return Starter("fleet", said.removeprefix(BY_FLEET))
    return Starter("person", said) if said else Starter(UNKNOWN)


def failed(run: Run) -> bool:
    """Its end asks something of people, and is not only that another run was at it."""
    return run.end is not None and run.end.urgency is not Urgency.NOTHING and run.outcome not in NO_RESULT


def of_no_target(run: Run) -> bool:
    """It was asked for a target that does not exist."""
    return any(one.error == "TargetNotFound" for one in run.failures)


def follow_up(run: Run, runs: Sequence[Run]) -> FollowUp | None:
    """What was done about a failure. Only a new password mends a `rotate`, and only those of all users a `revoke`; whatever else
    was asked for is also mended by a run of the same mode that ended well."""
    if run.ended is None or not failed(run):
        return None
    later: list[Run] = []
    for one in sorted(runs, key=lambda one: one.ended or datetime.max.replace(tzinfo=run.began.tzinfo)):
        if one.target != run.target or one.ended is None or one.ended <= run.ended:
            continue
        later.append(one)
        if _mends(one, run):
            return FollowUp(tuple(later), one, (one.ended - run.ended).total_seconds())
    return FollowUp(tuple(later), None, None)


def _mends(one: Run, run: Run) -> bool:
    """A rotation leaves every user but one with the password that it had: where those may be stolen, it mends nothing."""
    if run.mode == "revoke":
        return one.outcome == "Revoked"
    went_well = one.end is not None and one.end.urgency is Urgency.NOTHING
    return one.outcome in DONE or (run.mode != "rotate" and one.mode == run.mode and went_well)


def gaps_of(
    target: str, kind: RotationClass, runs: Sequence[Run], window: Window, end: datetime, known_since: datetime
) -> list[Gap]:
    """A failed run that was mended within the days of grace is no gap; a late or missing one is. `end`: up to when it is judged."""
    own = [run for run in runs if run.target == target]
    renewed = sorted((run.ended, run.name) for run in own if run.ended and run.outcome in DONE and run.ended < end)
    marks = [_first(renewed, window, known_since), *(one for one in renewed if one[0] >= window.start), (end, "")]
    found = []
    for (since, opened_by), (until, closed_by) in pairwise(marks):
        if until - since <= timedelta(days=kind.overdue_days):
            continue
        attempts = tuple(run for run in own if since < run.began < until and run.name != closed_by)
        missed = _missed([since, *(run.began for run in attempts), until], kind)
        found.append(Gap(target, since, until, kind.period_days, missed, attempts, opened_by, closed_by))
    return found


def _first(renewed: Sequence[tuple[datetime, str]], window: Window, known_since: datetime) -> tuple[datetime, str]:
    """From when on the first gap would count: the rotation before the window, or what stands for one."""
    before = [one for one in renewed if one[0] < window.start]
    if before:
        return before[-1]
    return (known_since, "the stack's making") if known_since > window.start else (window.start, "the beginning of the window")


def _missed(moments: Sequence[datetime], kind: RotationClass) -> int:
    """Where nobody even tried for longer than allowed: as many runs as periods fit between the two that are there."""
    spans = [(after - before).total_seconds() / DAY for before, after in pairwise(moments)]
    return sum(max(1, round(span / kind.period_days) - 1) for span in spans if span > kind.overdue_days)


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    if not values:
        return {"median": None, "longest": None}
    return {"median": round(statistics.median(values), 3), "longest": round(max(values), 3)}
