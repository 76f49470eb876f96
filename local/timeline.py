"""An execution as bars on a time axis, one row per state: a rotation walks down the rows, a rollback climbs back up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from local.follow import Run, Visit
from local.report import WAITS

BESIDE = {
    "WaitForDrain": "CheckDrained",
    "WaitForRollout": "CheckRollout",
    "WaitForEverybody": "PutSecret",
    "WaitForLogin": "CheckLogin",
    "WaitUntilKnown": "SyncUsers",
    "WaitUntilForgotten": "DiscardOldPassword",
    "WaitForSecretsManager": "PutSecret",
}
"""A Wait is drawn in the row of the state that looks whether it was long enough."""
WORDS = "SayWhy"
"""It undoes nothing: a bad end is put into words there."""
SHORTEST = 0.01  # seconds; an overlap window of 0 is not a bar


@dataclass(frozen=True)
class Bar:
    row: str
    kind: str
    """work, undo, stopped (the state that the execution failed at), or wait."""
    start: float
    end: float
    label: str
    looked_at: bool = False
    """A wait that was interrupted to look whether it is over."""

    @property
    def title(self) -> str:
        return f"{self.label}, {self.end - self.start:.2f} s"


def bars(run: Run) -> list[Bar]:
    """Every Task and Wait; a rollout that was looked at in between is one wait all the same."""
    stopped, back = _stopped_at(run), _turned_back(run)
    drawn: list[Bar] = []
    for visit in run.visits:
        undoes = back is not None and visit.entered >= back and visit.state != WORDS
        bar = _bar(visit, run.ended, is_stop=visit is stopped, is_undo=undoes)
        if bar and bar.kind == "wait" and (last := _wait_before(drawn, bar)) is not None:
            drawn[last] = replace(drawn[last], end=bar.end, looked_at=True)
        elif bar:
            drawn.append(bar)
    return drawn


def rows(runs: Iterable[Run]) -> list[str]:
    """In the order in which they were passed; what only a later run passed comes after the state before it."""
    found: list[str] = []
    for run in runs:
        place = 0
        for bar in bars(run):
            if bar.row not in found:
                found.insert(place, bar.row)
            place = max(place, found.index(bar.row) + 1)  # a row that is passed again pushes nobody down
    return found


def _bar(visit: Visit, until: float, *, is_stop: bool, is_undo: bool) -> Bar | None:
    end = visit.left or until
    row = BESIDE.get(visit.state, visit.state)
    if visit.kind == "Wait":
        waited_for = WAITS.get(visit.state, visit.state)
        return Bar(row, "wait", visit.entered, end, waited_for) if end - visit.entered >= SHORTEST else None
    if visit.kind != "Task":
        return None
    kind = "stopped" if is_stop else "undo" if is_undo else "work"
    told = {"stopped": f"{visit.state} (failed)", "undo": f"{visit.state} (undoing)"}.get(kind, visit.state)
    return Bar(row, kind, visit.entered, end, told)


def _wait_before(drawn: list[Bar], bar: Bar) -> int | None:
    """The wait that `bar` goes on with: nothing but a look at the same thing lies between."""
    for index in range(len(drawn) - 1, -1, -1):
        if drawn[index].row != bar.row or drawn[index].kind == "stopped":
            return None
        if drawn[index].kind == "wait":
            return index
    return None


def _stopped_at(run: Run) -> Visit | None:
    """The last Task before the first state that only a failure leads to."""
    task: Visit | None = None
    for visit in run.visits:
        if visit.kind == "Fail" or visit.state in ("CloseFlip", WORDS):
            return task
        task = visit if visit.kind == "Task" else task
    return None


def _turned_back(run: Run) -> float | None:
    """When it began to undo. CloseFlip belongs to it only if RollBack follows: it may find that the flip has landed."""
    if not run.visits_of("RollBack"):
        return None
    return min(visit.entered for visit in run.visits if visit.state in ("CloseFlip", "RollBack"))
