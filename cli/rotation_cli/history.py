"""An execution as a person reads it, from its events: pure, and the same whether Step Functions or its log gave them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rotation.told.runbook import ENDS, End, end_of

ENTERED, EXITED = "StateEntered", "StateExited"
STARTED = "ExecutionStarted"
RUNNING = "RUNNING"
TELLING = ("ReadInput", "ReadSlots", "ClaimRotation", "RotateOldSlot")
"""States whose output says what a reader wants to know."""
STATUSES = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
IN_MAP = re.compile(r"(\w+) failed: (\S+) (.*)", re.DOTALL)
"""How the machine says which consumer's step failed, out of its Map."""


@dataclass(frozen=True)
class Event:
    """One event of an execution."""

    id: int
    kind: str
    at: datetime
    details: Mapping[str, Any]

    @classmethod
    def of_history(cls, raw: Mapping[str, Any]) -> "Event":
        """As GetExecutionHistory answers."""
        details: Mapping[str, Any] = next((value for key, value in raw.items() if key.endswith("EventDetails")), {})
        return cls(int(raw["id"]), str(raw["type"]), raw["timestamp"].astimezone(UTC), _needed(str(raw["type"]), details))

    @classmethod
    def of_log(cls, raw: Mapping[str, Any]) -> "Event":
        """As Step Functions writes it into a log group."""
        at = datetime.fromtimestamp(int(raw["event_timestamp"]) / 1000, UTC)
        return cls(int(raw["id"]), str(raw["type"]), at, _needed(str(raw["type"]), as_object(raw.get("details"))))


def _needed(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """A year of daily looks is a few hundred megabytes of data that says nothing here."""
    name = details.get("name")
    keys = ["name", "error", "cause"]
    if kind == STARTED or name in ENDS:
        keys.append("input")
    if kind in STATUSES or name in TELLING:
        keys.append("output")
    return {key: details[key] for key in keys if key in details}


@dataclass
class Visit:
    """One state entered, and left."""

    state: str
    kind: str
    entered: datetime
    left: datetime | None = None

    def seconds(self, until: datetime) -> float:
        """How long it lasted; up to `until`, while it lasts."""
        return ((self.left or until) - self.entered).total_seconds()


@dataclass(frozen=True)
class Failure:
    """What made a run stop: the step, the error's name, and its message."""

    step: str
    error: str
    message: str


@dataclass(frozen=True)
class Versions:
    """The versions of the slot secret that a run worked with; an empty text where it did not come so far."""

    found: str = ""
    """Current when it began."""
    flip: tuple[str, ...] = ()
    """The intent of the claim, which becomes current when the application has moved. A revoke claims twice."""
    retire: tuple[str, ...] = ()
    """The version with the new password of the slot that was left: current at the end."""


@dataclass
class Run:
    """An execution as far as its events go."""

    arn: str
    began: datetime
    given: dict[str, Any]
    """Its input, with the machine's defaults where it came to read them."""
    status: str = RUNNING
    ended: datetime | None = None
    error: str = ""
    cause: str = ""
    visits: list[Visit] = field(default_factory=list)
    failures: tuple[Failure, ...] = ()
    slots: tuple[str, str] = ("", "")
    """From which to which; empty where it did not decide."""
    versions: Versions = field(default_factory=Versions)
    payload: dict[str, Any] = field(default_factory=dict)
    """What the machine knew at its end."""

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.arn.rsplit(":", 1)[-1]

    @property
    def target(self) -> str:
        """Whose credentials; a question mark where the log does not say."""
        return str(self.given.get("target") or "?")

    @property
    def mode(self) -> str:
        """What it was asked to do."""
        return str(self.given.get("mode") or "rotate")

    @property
    def terminal(self) -> str | None:
        """Its last state, if that is one of the machine's ends."""
        last = self.visits[-1] if self.visits else None
        return last.state if last and last.state in ENDS else None

    @property
    def outcome(self) -> str:
        """The runbook's index: the terminal state, or the status of a run that came to none."""
        return self.terminal or self.status

    @property
    def end(self) -> End | None:
        """What its end means; None while it runs."""
        return None if self.status == RUNNING else end_of(self.status, self.terminal, self.mode)

    def seconds(self, now: datetime) -> float:
        """From its start to its end; to now, while it runs."""
        return ((self.ended or now) - self.began).total_seconds()

    def waiting(self, now: datetime) -> float:
        """Time in Wait states: quiet periods, rollouts, overlap."""
        return sum(visit.seconds(self.ended or now) for visit in self.visits if visit.kind == "Wait")

    def working(self, now: datetime) -> float:
        """All other time."""
        return self.seconds(now) - self.waiting(now)


def read(arn: str, events: Iterable[Event]) -> Run | None:
    """The run that the events tell of; None where its beginning is not among them."""
    ordered = sorted(events, key=lambda event: event.id)
    if not ordered or ordered[0].kind != STARTED:
        return None
    run = Run(arn, ordered[0].at, as_object(ordered[0].details.get("input")))
    open_visits: dict[str, Visit] = {}
    for event in ordered:
        if event.kind.endswith(ENTERED):
            _enter(run, open_visits, event)
        elif event.kind.endswith(EXITED):
            _leave(run, open_visits, event)
        elif event.kind in STATUSES:
            run.status, run.ended = STATUSES[event.kind], event.at
            run.error, run.cause = str(event.details.get("error") or ""), str(event.details.get("cause") or "")
    for visit in open_visits.values():
        visit.left = run.ended
    return run


def _enter(run: Run, open_visits: dict[str, Visit], event: Event) -> None:
    if "name" not in event.details:
        return  # cut off
    visit = Visit(str(event.details["name"]), event.kind.removesuffix(ENTERED), event.at)
    run.visits.append(visit)
    open_visits[visit.state] = visit
    if visit.kind in ("Fail", "Succeed"):
        _remember(run, as_object(event.details.get("input")))


def _leave(run: Run, open_visits: dict[str, Visit], event: Event) -> None:
    name = str(event.details.get("name") or "")
    if visit := open_visits.pop(name, None):
        visit.left = event.at
    known = as_object(event.details.get("output"))
    if name in TELLING:
        _remember(run, known)
    version = str(as_object(known.get("claim")).get("version") or "")
    if name == "ClaimRotation":
        run.versions = replace(run.versions, flip=(*run.versions.flip, version))
    elif name == "RotateOldSlot":
        run.versions = replace(run.versions, retire=(*run.versions.retire, version))


def _remember(run: Run, known: Mapping[str, Any]) -> None:
    """What the payload of the machine says by now."""
    run.payload = dict(known)
    if isinstance(given := known.get("input"), dict):
        run.given = given
    situation = as_object(known.get("situation"))
    if situation and not run.versions.found:
        labels = as_object(situation.get("labels"))
        run.versions = replace(run.versions, found=str(labels.get("current") or ""))
    if situation.get("slot"):
        run.slots = (str(situation.get("old_slot") or ""), str(situation["slot"]))
    if failures := as_object(known.get("failures")):
        run.failures = tuple(_failures(failures))


def _failures(told: Mapping[str, Any]) -> Iterator[Failure]:
    """By step; those of the way forward have a name of their own above them, once the run has turned back."""
    for step, one in told.items():
        if isinstance(one, dict):
            yield from [_failure(step, one)] if "Error" in one else _failures(one)


def _failure(step: str, told: Mapping[str, Any]) -> Failure:
    """As a Catch writes it; a function's Cause is JSON that holds its message."""
    error, cause = str(told.get("Error") or ""), str(told.get("Cause") or "")
    if error == "PublishFailed" and (inside := IN_MAP.fullmatch(cause)):
        step, error, cause = inside.groups()
    inner = as_object(cause)
    return Failure(step, str(inner.get("errorType") or error), str(inner.get("errorMessage") or cause).strip())


def as_object(text: Any) -> dict[str, Any]:
    """The JSON object in the text; empty where it is cut off, missing or something else."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
