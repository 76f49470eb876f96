"""An execution as a person reads it: what it was asked, decided and wrote, and what its end means. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rotation.told.failures import Failure, as_object, caught
from rotation.told.history import ENDING, ENTERED, EXITED, RUNNING, STARTED, STATUSES, Event, Visit
from rotation.told.history import read as read_history
from rotation.told.runbook import ENDS, End, end_of

TELLING = ("ReadInput", "ReadSlots", "ClaimRotation", "RotateOldSlot")
"""States whose output says what a reader wants to know."""

PER_ITEM = ("ProbeFunction", "PutSecret")
"""States that are entered for several of a kind: their input says for which."""


def needed(event: Event) -> Event:
    """Without the rest of its data: a year of daily looks is a few hundred megabytes of it."""
    keys = ["name", "index", "error", "cause"]
    if event.kind == STARTED or event.state in (*ENDS, *PER_ITEM):
        keys.append("input")
    if event.kind in STATUSES or event.state in TELLING:
        keys.append("output")
    return replace(event, details={key: event.details[key] for key in keys if key in event.details})


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
    def sentence(self) -> str:
        """What the machine says of its own end: the summary of a good one, the Cause of a bad one; empty without such an end."""
        return str(self.payload.get("summary") or self.cause) if self.terminal else ""

    @property
    def end(self) -> End | None:
        """What its end means; None while it runs."""
        return None if self.status == RUNNING else end_of(self.status, self.terminal, self.mode)

    def seconds(self, now: datetime) -> float:
        """From its start to its end; to now, while it runs."""
        return ((self.ended or now) - self.began).total_seconds()

    def waiting(self, now: datetime) -> float:
        """Time in Wait states: quiet periods, rollouts, overlap."""
        until = (self.ended or now).timestamp()
        return sum(visit.seconds(until) for visit in self.visits if visit.kind == "Wait")

    def working(self, now: datetime) -> float:
        """All other time."""
        return self.seconds(now) - self.waiting(now)


def read(arn: str, events: Iterable[Event]) -> Run | None:
    """The run that the events tell of; None where its beginning is not among them."""
    ordered = sorted(events, key=lambda event: event.id)
    if not ordered or ordered[0].kind != STARTED:
        return None
    history = read_history(ordered)
    history.close(history.ended)
    run = Run(
        arn,
        began=_moment(ordered[0].at),
        given=as_object(ordered[0].details.get("input")),
        status=history.status,
        ended=None if history.ended is None else _moment(history.ended),
        error=history.error,
        cause=history.cause,
        visits=history.visits,
    )
    for event in ordered:
        _learn(run, event)
    return run


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _learn(run: Run, event: Event) -> None:
    """What the payload of the machine says, where it says something."""
    if event.kind.removesuffix(ENTERED) in ENDING and event.state:
        _remember(run, as_object(event.details.get("input")))
    elif event.kind.endswith(EXITED) and event.state in TELLING:
        known = as_object(event.details.get("output"))
        _remember(run, known)
        version = str(as_object(known.get("claim")).get("version") or "")
        if event.state == "ClaimRotation":
            run.versions = replace(run.versions, flip=(*run.versions.flip, version))
        elif event.state == "RotateOldSlot":
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
        run.failures = tuple(caught(failures))
