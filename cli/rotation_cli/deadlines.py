"""Until when each wait of a run may take, as its target says. Pure."""

from datetime import UTC, datetime, timedelta

from rotation.kinds.target import Target
from rotation.told.failures import as_object
from rotation.told.history import Visit

from rotation_cli.history import Run
from rotation_cli.words import lasted

ROLLOUT = ("RestartApp", "WaitForRollout", "CheckRollout")
INSTANCES = ("WriteWpConfig", "WaitForInstances")
PREPARATION = ("PrepareService", "WaitForPreparation")
EVERYBODY = ("PutSecret", "WaitForEverybody")
CUTOVER = ("CutOverService", "WaitForCutover")
CLEANUP = ("CleanUpService", "WaitForCleanUp")
PUBLISHING = (ROLLOUT, INSTANCES, PREPARATION, CUTOVER, CLEANUP)
"""Each is given the target's rollout deadline."""
DRAIN = ("WaitForDrain", "CheckDrained", "CheckStillDrained")
KNOWN, FORGOTTEN = ("SyncUsers", "WaitUntilKnown"), ("DiscardOldPassword", "WaitUntilForgotten")
OVERLAP = "OverlapWindow"
BEGINS: dict[tuple[str, ...], str] = {states: "RestartApp" if states is ROLLOUT else "ChooseConsumer" for states in PUBLISHING}
BEGINS |= {EVERYBODY: "ChooseConsumer", KNOWN: "ClaimRotation", FORGOTTEN: "IsStillDrained"}
"""Before a wait of that sort comes this; a rotation begins a drain."""

WAITS: dict[str, tuple[tuple[str, ...], str]] = {
    "WaitForRollout": (ROLLOUT, "for the rollout"),
    "WaitForInstances": (INSTANCES, "for the instances"),
    "WaitForEverybody": (EVERYBODY, "until everybody has the new credential"),
    "WaitForPreparation": (PREPARATION, "until the service is prepared"),
    "WaitForCutover": (CUTOVER, "until the service is cut over"),
    "WaitForCleanUp": (CLEANUP, "until the service is cleaned up"),
    "WaitUntilKnown": (KNOWN, "until everybody knows the new credential"),
    "WaitUntilForgotten": (FORGOTTEN, "until nobody takes the old credential any more"),
    "WaitForDrain": (DRAIN, "until nobody uses the old credential"),
}
"""What people are told where one begins."""


class Deadlines:
    """Of one target; of none, where its document could not be read."""

    def __init__(self, target: Target | None) -> None:
        self._target = target

    def of(self, run: Run, visit: Visit) -> datetime | None:
        """When the wait that the visit belongs to is over, or the machine gives it up. None where nothing is waited for."""
        if visit.state == OVERLAP:
            return _after(visit.entered, _overlap(run))
        if self._target is None:
            return None
        for states in PUBLISHING:
            if visit.state in states:
                return _after(_first(run, visit, states), self._target.rollout_deadline_seconds)
        if visit.state in DRAIN:
            return _after(_first(run, visit, DRAIN), self._target.longest_drain_seconds)
        for states in (KNOWN, FORGOTTEN, EVERYBODY):
            if visit.state == states[-1]:
                given, known = self._target, states is not EVERYBODY
                return _after(_first(run, visit, states), given.known_deadline_seconds if known else given.rollout_deadline_seconds)
        return None

    def announced(self, run: Run, visit: Visit) -> str:
        """A line where a wait begins; empty elsewhere, and for a wait of nothing."""
        until = self.of(run, visit)
        if until is None:
            return ""
        if visit.state == OVERLAP:
            return f"both credentials stay valid for {lasted(_overlap(run))}, until {_clock(until)}" if _overlap(run) else ""
        states, what = WAITS.get(visit.state, ((), ""))
        if what and _is_first(run, visit, states, visit.state):
            return f"waiting {what}, until {_clock(until)} at the latest"
        return ""


def _overlap(run: Run) -> float:
    return float(as_object(run.payload.get("situation")).get("overlap_seconds") or 0)


def _after(began: float, seconds: float) -> datetime:
    return datetime.fromtimestamp(began, UTC) + timedelta(seconds=seconds)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _group(run: Run, visit: Visit, states: tuple[str, ...]) -> list[Visit]:
    """The visits of the same wait, up to this one: a publish that comes again waits anew."""
    begins = BEGINS.get(states, "RotateNext")
    found: list[Visit] = []
    for one in run.visits:
        found = [] if one.state == begins else found
        found += [one] if one.state in states else []
        if one is visit:
            break
    return found


def _first(run: Run, visit: Visit, states: tuple[str, ...]) -> float:
    return _group(run, visit, states)[0].entered


def _is_first(run: Run, visit: Visit, states: tuple[str, ...], name: str) -> bool:
    return next(one for one in _group(run, visit, states) if one.state == name) is visit
