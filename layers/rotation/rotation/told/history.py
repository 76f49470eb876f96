"""What the events of an execution say: which states it visited, what failed there, and how it ended.

The one reader of them, whether Step Functions or its log gave them: for what is told and measured of an end (outcome), for the
command, and for the demo. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.told.failures import Failure, as_object, failure

ENTERED, EXITED = "StateEntered", "StateExited"
STARTED = "ExecutionStarted"
RUNNING = "RUNNING"
STATUSES = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The last event of an execution, and what it says of it."""
ENDING = ("Succeed", "Fail")
"""Kinds of states that nothing follows, in the machine or in an iteration of its Map."""
_ITERATION, _BEGINS = "MapIteration", "Started"
_FAILED_TRIES = ("TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed")
_SUCCEEDED = "TaskSucceeded"


@dataclass(frozen=True)
class Event:
    """One event of an execution."""

    at: float
    """In seconds since 1970."""
    kind: str
    """As Step Functions calls it: WaitStateEntered, TaskFailed, …"""
    state: str = ""
    """The state that was entered or left; empty in all other events, and where it was cut off."""
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: int = 0

    @classmethod
    def of_history(cls, raw: Mapping[str, Any]) -> "Event":
        """As GetExecutionHistory answers."""
        details: Mapping[str, Any] = next((value for key, value in raw.items() if key.endswith("EventDetails")), {})
        return cls._of(raw["timestamp"].timestamp(), str(raw["type"]), details, int(raw["id"]))

    @classmethod
    def of_log(cls, raw: Mapping[str, Any]) -> "Event":
        """As Step Functions writes it into a log group."""
        at, details = int(raw["event_timestamp"]) / 1000, as_object(raw.get("details"))
        return cls._of(at, str(raw["type"]), details, int(raw["id"]))

    @classmethod
    def _of(cls, at: float, kind: str, details: Mapping[str, Any], number: int) -> "Event":
        state = str(details.get("name") or "") if kind.endswith((ENTERED, EXITED)) else ""
        return cls(at, kind, state, details, number)


@dataclass
class Visit:
    """One state entered, and left."""

    state: str
    kind: str
    """Task, Wait, Map, …"""
    entered: float
    left: float | None = None
    """None while it goes on. Nothing says that a Fail is left: it lasts until the execution ends."""
    iteration: int | None = None
    """Which one of its Map; None outside."""
    item: str = ""
    """What that one is: the function that is asked, the kind of consumer that is published to."""
    failed_tries: list[Failure] = field(default_factory=list)
    """Each may be followed by another try, in the same visit."""
    failed_at: list[float] = field(default_factory=list)
    """When each of them was."""
    answered: bool = False
    """Whether a try of its task succeeded. Only Step Functions' own history says so: a log of the states alone does not."""

    @property
    def gave_up(self) -> bool:
        """Every try failed: what comes next is what the machine does about it."""
        return self.left is not None and bool(self.failed_tries) and not self.answered

    def seconds(self, until: float) -> float:
        """How long it lasted, to the microsecond, as Step Functions tells it; up to `until`, while it lasts."""
        return round((until if self.left is None else self.left) - self.entered, 6)


@dataclass
class History:
    """An execution as far as its events go."""

    visits: list[Visit] = field(default_factory=list)
    last: Visit | None = None
    """The one that was entered or left last."""
    status: str = RUNNING
    ended: float | None = None
    error: str = ""
    cause: str = ""

    @property
    def terminal(self) -> str | None:
        """The Succeed or Fail that it came to, if nothing came after. One inside a Map is followed by the Map's end."""
        return self.last.state if self.last and self.last.kind in ENDING else None

    def close(self, at: float | None) -> None:
        """The execution has ended: what it had not left by then, it was in until then."""
        for visit in self.visits:
            visit.left = at if visit.left is None else visit.left


def read(events: Iterable[Event]) -> History:
    """All that they tell, in whatever order they come. The machine does one thing after the other, also in its Maps."""
    reader = _Reader()
    for event in sorted(events, key=lambda one: one.id):
        reader.take(event)
    return reader.history


class _Reader:
    def __init__(self) -> None:
        self.history = History()
        self._open: dict[str, Visit] = {}
        self._iteration: int | None = None

    def take(self, event: Event) -> None:
        history = self.history
        if event.kind.endswith(ENTERED) and event.state:
            self._enter(event)
        elif event.kind.endswith(EXITED) and event.state in self._open:
            history.last = self._open.pop(event.state)
            history.last.left = event.at
        elif event.kind.startswith(_ITERATION):
            self._iteration = int(event.details.get("index") or 0) if event.kind.endswith(_BEGINS) else None
        elif event.kind in _FAILED_TRIES and history.visits:
            visit = history.visits[-1]
            visit.failed_tries.append(failure(visit.state, *_error(event)))
            visit.failed_at.append(event.at)
        elif event.kind == _SUCCEEDED and history.visits:
            history.visits[-1].answered = True
        elif event.kind in STATUSES:
            history.status, history.ended = STATUSES[event.kind], event.at
            history.error, history.cause = _error(event)

    def _enter(self, event: Event) -> None:
        kind, item = event.kind.removesuffix(ENTERED), item_of(event) if self._iteration is not None else ""
        visit = Visit(event.state, kind, event.at, iteration=self._iteration, item=item)
        self.history.visits.append(visit)
        self.history.last = self._open[visit.state] = visit


def item_of(event: Event) -> str:
    """The name of what an iteration of a Map is about; empty where the event's data does not say."""
    given = as_object(event.details.get("input"))
    return str(as_object(given.get("function")).get("name") or as_object(given.get("consumer")).get("kind") or "")


def _error(event: Event) -> tuple[str, str]:
    return str(event.details.get("error") or ""), str(event.details.get("cause") or "")
