"""What people are told of a fleet's run: one summary, however many targets there are. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rotation.fleet.due import Standing
from rotation.fleet.outcome import Outcome
from rotation.fleet.run import Plan, Turn, execution_name, turns

LONGEST = 300
"""Of a Cause: more of it nobody reads in the console."""
NAMED = 30
"""So many targets a message names of each sort; `rotation fleet report` has them all."""


class End(StrEnum):
    """Ends of the fleet's machine, by the names of its states."""

    ROTATED = "FleetRotated"
    UNFINISHED = "FleetUnfinished"
    STOPPED = "FleetStopped"


TRUE_OF: Mapping[End, str] = {
    End.ROTATED: "every target that was due uses another credential",
    End.UNFINISHED: "every target that was due had its turn; those that failed are as their own execution says",
    End.STOPPED: "the budget of failures is gone: targets whose turn had not come are untouched",
}
DO_FOR: Mapping[Outcome, str] = {
    Outcome.FAILED: "mend it, or `rotation targets hold` it; it is due again tomorrow",
    Outcome.SLOW: "look at its execution: it goes on by itself",
    Outcome.NOT_SAID: "look at its execution, if there is one: rotation explain",
}


def counted(turns: Iterable[Turn]) -> dict[str, int]:
    """How many targets, by what came of them or else by how they stand."""
    return dict(Counter(str(one.outcome or ("not begun" if one.wave is not None else one.standing)) for one in turns))


@dataclass(frozen=True)
class Report:
    """A run with an end."""

    plan: Plan
    turns: Sequence[Turn]
    stopped: str
    """Why no further wave was begun; empty where all had their turn."""

    @property
    def end(self) -> End:
        """How the machine ends."""
        if self.stopped:
            return End.STOPPED
        return End.UNFINISHED if self.failed else End.ROTATED

    @property
    def failed(self) -> list[Turn]:
        """Those that count against the budget."""
        return [one for one in self.turns if one.outcome is not None and one.outcome.failed]

    @property
    def never_began(self) -> list[Turn]:
        """Due, and its turn did not come."""
        return [one for one in self.turns if one.wave is not None and one.outcome is None]

    @property
    def late(self) -> list[Turn]:
        """Longer not rotated than their class allows, and not rotated now either."""
        done = (Outcome.ROTATED, Outcome.MEANWHILE)
        return [one for one in self.turns if (one.overdue or one.standing is Standing.UNKNOWN) and one.outcome not in done]

    @property
    def people(self) -> list[Turn]:
        """Where people still have to do something."""
        return [one for one in self.turns if one.people]

    @property
    def is_told(self) -> bool:
        """A day on which nothing was due and nothing is wrong wakes nobody."""
        return bool(self.plan.waves or self.late)

    def counts(self) -> dict[str, int]:
        """Of targets, by what came of them or else by how they stand."""
        return counted(self.turns)

    def measured(self) -> dict[str, float]:
        """Metrics by name."""
        return {
            "fleet_targets_count": len(self.turns),
            "fleet_rotated_count": sum(one.outcome is Outcome.ROTATED for one in self.turns),
            "fleet_failed_count": len(self.failed),
            "fleet_late_count": len(self.late),
        }

    def as_dict(self) -> dict[str, Any]:
        """For a file, and for another program."""
        return {
            "run": self.plan.run,
            "began": self.plan.began,
            "end": str(self.end),
            "stopped": self.stopped,
            "settings": asdict(self.plan.settings),
            "waves": [len(wave) for wave in self.plan.waves],
            "counts": self.counts(),
            "targets": [asdict(one) for one in self.turns],
        }

    @property
    def sentence(self) -> str:
        """For a subject."""
        said = ", ".join(f"{number} {word}" for word, number in sorted(self.counts().items(), key=lambda one: (-one[1], one[0])))
        return f"{len(self.turns)} targets: {said or 'none'}" + (f". Stopped: {self.stopped}" if self.stopped else "")

    @property
    def cause(self) -> str:
        """For the console: a canary that failed is named, and there may be many."""
        last = f". More: rotation fleet report {self.plan.run}"
        room = LONGEST - len(last)
        return f"{self.sentence if len(self.sentence) <= room else f'{self.sentence[: room - 1]}…'}{last}"


def reported(plan: Plan, outcomes: Mapping[str, Outcome], whys: Mapping[str, str], *, through: int, stopped: str) -> Report:
    """Of a run that has ended. `through`: the last wave that ended; -1 where none did."""
    return Report(plan, list(turns(plan, outcomes, whys, through=through)), stopped)


def text(report: Report) -> str:
    """The message."""
    lines = [
        f"The run {report.plan.run} of the fleet ended {report.end}.",
        "",
        report.sentence,
        f"What is true:  {TRUE_OF[report.end]}",
        "",
        *_named("FAILED", report.failed, report.plan.run),
        *_named("NOT BEGUN", report.never_began, report.plan.run),
        *_named("LATE, and not rotated now", [one for one in report.late if one.outcome is None], report.plan.run),
        *_listed("FOR PEOPLE", [f"{one.target}: {one.people}" for one in report.people]),
        f"All of it: rotation fleet report {report.plan.run}",
        "To go on with what is still due: rotation fleet start",
    ]
    return "\n".join(lines) + "\n"


def _named(title: str, which: Sequence[Turn], run: str) -> Iterable[str]:
    lines = []
    for one in which:
        said = one.why or (f"{one.standing}, {one.days:.0f} days" if one.days is not None else str(one.standing))
        what = f"\n    {DO_FOR[one.outcome]}; rotation explain {execution_name(run, one.target)}" if one.outcome is not None else ""
        lines.append(f"{one.target}: {said}{what}")
    return _listed(title, lines)


def _listed(title: str, lines: Sequence[str]) -> Iterable[str]:
    if not lines:
        return
    yield f"{title} ({len(lines)}):"
    yield from (f"  {line}" for line in lines[:NAMED])
    if len(lines) > NAMED:
        yield f"  and {len(lines) - NAMED} more"
    yield ""
