"""Every run that there can be with so many faults, over the shipped machine and the steps as they are.

A node is a moment between two calls of functions: the world, the place of the execution, and perhaps an invocation that was
left lying. Its children are what may come of the next call: undisturbed, and with each fault at each of its boundaries. Two
nodes in which the same may happen from here on are one; how many runs lead on from each is counted, not repeated.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from rotation.errors import RotationError
from rotation.model import Credential

from tests.faults import oracle
from tests.faults.kinds import FOR_GOOD, STOPS, THROTTLED_CALLS, Kind, why_not
from tests.faults.oracle import Violation
from tests.faults.scenarios import SCENARIOS
from tests.statemachine.machine import definition_text, shipped
from tests.worlds.asl import Identity, Machine, Place
from tests.worlds.invocation import (
    MADE,
    PERMANENT,
    TRANSIENT,
    Answered,
    Boundary,
    Failed,
    Invocation,
    Killed,
    Left,
    Outcome,
    Port,
    Told,
)
from tests.worlds.living import FUNCTION_SECONDS, LivingWorld, Snapshot

MOST_RUNS = 6
"""After so many runs one after the other it will not come to rest any more."""
MOST_TRIES = 400
"""Of one run's calls, likewise."""


@cache
def machine() -> Machine:
    return Machine(json.loads(definition_text(shipped())))


@dataclass(frozen=True)
class LeftLying:
    """An invocation that nobody waits for any more; it may still act until its time is up."""

    function: str
    event: dict[str, Any]
    name: str
    told: tuple[Told, ...]
    dies: float


@dataclass(frozen=True)
class Node:
    world: Snapshot
    place: Place
    run: int = 1
    calls: int = 0
    struck: bool = False
    """Whether a fault hit this run, or somebody acted late in it: it need not succeed."""
    late: LeftLying | None = None
    faults: int = 0
    """How many more there may be."""


@dataclass(frozen=True)
class Found:
    """A law that was broken, and how to get there."""

    law: str
    what: str
    path: tuple[str, ...]


@dataclass
class Report:
    runs: int = 0
    nodes: int = 0
    boundaries: int = 0
    """Of the undisturbed run."""
    cells: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault was applied to the undisturbed run."""
    inapplicable: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


class Explorer:
    """One scenario."""

    def __init__(self, world: LivingWorld, began_with: Credential, *, stop_at: int = 1) -> None:
        self.world = world
        self.report = Report()
        self.first = 1
        """The number of the run that the faults are to strike first."""
        self._began_with = began_with
        self._stop_at = stop_at
        self._known: dict[str, int] = {}
        self._path: list[str] = []

    def explore(self, root: Node) -> Report:
        self.first = root.run
        self.report.runs = self._runs(root)
        self.report.nodes = len(self._known)
        return self.report

    def _runs(self, node: Node) -> int:
        if len(self.report.found) >= self._stop_at:
            return 0
        key = node_key(self.world, node)
        if key not in self._known:
            self._known[key] = 0
            self._known[key] = self._explore(node)
        return self._known[key]

    def _explore(self, node: Node) -> int:
        total = 0
        for label, grow in self._children(node):
            self._path.append(label)
            try:
                self.world.restore(node.world)
                children = grow()
                total += sum(self._runs(child) for child in children) if children else 1
            except Violation as violation:
                path = (*(one for one in self._path if one), f"then at {violation.where}")
                self.report.found.append(Found(violation.law, violation.what, path))
                total += 1
            finally:
                self._path.pop()
        return total

    def _children(self, node: Node) -> Iterator[tuple[str, Callable[[], list[Node]]]]:
        if node.place.ended:
            if node.struck:
                yield f"[{node.place.state} {node.place.status}]", lambda: self._next_run(node)
            else:
                self.world.restore(node.world)
                yield "", lambda: self._rest(node)
            return
        attempt = Attempt(self, node)
        yield "", attempt.undisturbed
        if node.faults:
            yield from attempt.faults()
        if node.late:
            yield from attempt.landings()

    def _rest(self, node: Node) -> list[Node]:
        oracle.at_rest(self.world, node.place, self._began_with)
        return []

    def _next_run(self, node: Node) -> list[Node]:
        if node.run == MOST_RUNS:
            raise Violation("at-rest", f"{MOST_RUNS} runs, and no end")
        self.world.throttled.clear()
        place = begin(self.world, node.run + 1)
        return [Node(self.world.snapshot(), place, node.run + 1, struck=node.late is not None, late=node.late, faults=node.faults)]


def prepared(scenario: str, faults: int) -> tuple[LivingWorld, Credential, Node]:
    """A scenario's world, what the application used in it at first, and where to begin."""
    make, stop = SCENARIOS[scenario]
    world = make()
    world.file.past = ()  # as if it had been so for long
    oracle.begin(world)
    began_with = world.file.held
    node = Node(world.snapshot(), begin(world, 1))
    explorer = Explorer(world, began_with)
    while stop and node.place.state != stop:
        (node,) = Attempt(explorer, node).undisturbed()
    if stop:
        node = Node(node.world, begin(world, 2), run=2)
    world.alive = {node.place.who.id}
    return world, began_with, replace(node, world=world.snapshot(), faults=faults)


def begin(world: LivingWorld, number: int, name: str = "run") -> Place:
    """A new execution, at its first call."""
    name = f"{name}-{number}"
    who = Identity(f"arn:aws:states:us-east-1:123456789012:execution:rotation:{name}", name, {}, f"started {name}")
    world.alive = {who.id}
    return settled(world, machine().begin(who))[0]


def settled(world: LivingWorld, place: Place) -> tuple[Place, float]:
    """Past everything that is no call and takes no time; and how long it then waits."""
    while not place.ended and machine().at(place)["Type"] != "Task":
        place, seconds = machine().step(place)
        if seconds:
            return place, seconds
    if place.ended:
        world.alive.discard(place.who.id)
    return place, 0.0


class Attempt:
    """What may come of one call."""

    def __init__(self, explorer: Explorer, node: Node) -> None:
        self._explorer, self._world, self._node = explorer, explorer.world, node
        self._call = machine().call(node.place)
        self._function = self._call.function.rpartition(":")[2]
        self._boundaries: list[Boundary] = []

    def undisturbed(self) -> list[Node]:
        it = self._invocation()
        outcome = it.run()
        self._boundaries = it.seen.boundaries
        self._count(it)
        return self._concluded(outcome, self._node.struck)

    def _count(self, it: Invocation) -> None:
        node, report = self._node, self._explorer.report
        if node.run == self._explorer.first and not node.struck and not node.late:
            report.boundaries += len(it.seen.boundaries)

    def faults(self) -> Iterator[tuple[str, Callable[[], list[Node]]]]:
        first = self._node.run == self._explorer.first and not self._node.struck
        for place, boundary in enumerate(self._boundaries):
            for kind in Kind:
                why = why_not(kind, boundary, self._boundaries[place + 1 :])
                if kind in (Kind.ZOMBIE, Kind.LATE) and self._node.late:
                    why = "one acts late already"
                if first:
                    (self._explorer.report.inapplicable if why else self._explorer.report.cells)[why or kind] += 1
                if not why:
                    yield self._say(kind, boundary), lambda k=kind, b=boundary: self._struck(k, b)  # type: ignore[misc]

    def _say(self, kind: Kind, boundary: Boundary) -> str:
        return f"{self._node.place.who.name} {self._node.place.state} {boundary.number} ({boundary.what}): {kind}"

    def landings(self) -> Iterator[tuple[str, Callable[[], list[Node]]]]:
        """Whoever was left lying goes on, before each boundary of this call and after its last."""
        for number in range(1, len(self._boundaries) + 2):
            what = f"{self._node.place.who.name} {self._node.place.state} before {number}: the late one acts"
            yield what, lambda n=number: self._landed(n)  # type: ignore[misc]

    def _landed(self, number: int) -> list[Node]:
        late = self._node.late
        assert late

        def act(_: Invocation, boundary: Boundary) -> None:
            if boundary.number == number:
                finish(self._world, late)

        it = self._invocation(before=act)
        outcome = it.run()
        if number > len(it.seen.boundaries):
            finish(self._world, late)
        return self._concluded(outcome, struck=True, late=None)

    def _invocation(self, before: Callable[[Invocation, Boundary], None] | None = None, after: Any = None) -> Invocation:
        name = f"{self._node.place.who.name}/{self._function}/{self._node.run}.{self._node.calls}"
        return invocation(self._world, self._function, self._call.event, name, before=before, after=after)

    def _struck(self, kind: Kind, at: Boundary) -> list[Node]:
        strike = Strike(self, kind, at)
        it = self._invocation(before=strike.before, after=strike.after)
        outcome = it.run()
        if strike.instead is not None:
            outcome = strike.instead
        if isinstance(outcome, Left):
            dies = self._world.clock + FUNCTION_SECONDS
            left = LeftLying(self._function, self._call.event, it.name, outcome.told, dies)
            if kind is Kind.LATE:
                return self._concluded(Failed("Lambda.Unknown", "no answer"), struck=True, late=left, spent=1)
            return self._stopped(left)
        if kind in STOPS:
            return self._stopped(self._node.late)
        if kind is Kind.REPEATED:
            place, _ = machine().failed(self._node.place, "Lambda.Unknown", "no answer")
            return self._concluded(outcome, struck=True, spent=1, place=place)
        return self._concluded(outcome, struck=True, spent=1)

    def _stopped(self, late: LeftLying | None) -> list[Node]:
        node = self._node
        self._world.alive.discard(node.place.who.id)
        place = replace(node.place, status="ABORTED")
        return [replace(node, world=self._world.snapshot(), place=place, struck=True, late=late, faults=node.faults - 1)]

    def _concluded(
        self, outcome: Outcome, struck: bool, *, late: Any = ..., spent: int = 0, place: Place | None = None
    ) -> list[Node]:
        node = self._node
        late = node.late if late is ... else late
        place, wait = conclude(self._world, place or node.place, outcome, pending=late is not None)
        if node.calls > MOST_TRIES:
            raise Violation("at-rest", f"{MOST_TRIES} calls, and no end")
        now = replace(
            node, world=(), place=place, calls=node.calls + 1, struck=struck, late=late, faults=node.faults - spent
        )
        return list(self._after_waits(now, wait))

    def _after_waits(self, node: Node, seconds: float) -> Iterator[Node]:
        """Time passes; whoever was left lying dies in it when its own is up, or acts just before that."""
        place, world, late = node.place, self._world, node.late
        while True:
            if late and world.clock + seconds > late.dies:
                left = max(0.0, late.dies - world.clock)
                passed(world, left)
                alternative = world.snapshot()
                finish(world, late)
                yield from self._after_waits(replace(node, place=place, late=None, struck=True), seconds - left)
                world.restore(alternative)
                world.source.leave(late.name)
                seconds, late = seconds - left, None
            passed(world, seconds)
            if place.ended or machine().at(place)["Type"] == "Task":
                break
            place, seconds = settled(world, place)
        yield replace(node, place=place, late=late, world=world.snapshot())


class Strike:
    """One fault at one boundary."""

    def __init__(self, attempt: Attempt, kind: Kind, at: Boundary) -> None:
        self._attempt, self._kind, self._at = attempt, kind, at
        self.instead: Outcome | None = None
        """What the machine gets to see, where that is not what this invocation returned."""

    def before(self, it: Invocation, boundary: Boundary) -> None:
        if boundary.number != self._at.number:
            return
        kind, world = self._kind, it.world
        if kind is Kind.REFUSED:
            raise PERMANENT[boundary.port](f"refused: {boundary.port}")
        if kind is Kind.TIMED_OUT:
            raise TRANSIENT[boundary.port](f"no answer: {boundary.port}")
        if kind in (Kind.DIES, Kind.STOPPED):
            raise Killed
        if kind in (Kind.ZOMBIE, Kind.LATE):
            it.leave_lying()
        if kind is Kind.REPEATED:
            self.instead = invocation(world, it.function, it.event, f"{it.name}-again").run()
        if kind is Kind.POD:
            world.pods.lose_one()
        if kind is Kind.FAIL_OVER:
            world.source.fail_over()
        if kind in (Kind.THROTTLED, Kind.OUTAGE):
            world.throttled[boundary.port] = (THROTTLED_CALLS if kind is Kind.THROTTLED else FOR_GOOD) - 1
            raise TRANSIENT[boundary.port](f"no answer: {boundary.port}")

    def after(self, it: Invocation, boundary: Boundary) -> None:
        if boundary.number != self._at.number:
            return
        if self._kind is Kind.TIMED_OUT_DONE:
            raise TRANSIENT[boundary.port](f"no answer: {boundary.port}")
        if self._kind in (Kind.CRASHED, Kind.STOPPED_DONE):
            raise Killed


def invocation(world: LivingWorld, function: str, event: dict[str, Any], name: str, **more: Any) -> Invocation:
    """Under the oracle's eyes."""
    also = more.pop("after", None)

    def after(it: Invocation, boundary: Boundary) -> None:
        try:
            oracle.judge(it, boundary)
            if boundary.changed:
                world.look_at_sessions()
                oracle.check(world)
        except Violation as violation:
            violation.where = f"{it.event['execution']['name']} {it.function} {boundary.number} ({boundary.what})"
            raise
        if also:
            also(it, boundary)

    given = {key: value for key, value in more.items() if value is not None}
    return Invocation(world, function, event, name, after=after, **given)


def finish(world: LivingWorld, late: LeftLying) -> None:
    """It goes on to its end; nobody hears what it says."""
    outcome = invocation(world, late.function, late.event, late.name, told=late.told).run()
    oracle.canaries(world, outcome)


def conclude(world: LivingWorld, place: Place, outcome: Outcome, *, pending: bool) -> tuple[Place, float]:
    """Where the machine goes with it, and what it then waits. A back-off takes its time only where waiting changes something:
    else two runs that differ in nothing else would not be the same."""
    oracle.canaries(world, outcome)
    if isinstance(outcome, Answered):
        place, seconds = machine().answered(place, json.loads(json.dumps(outcome.payload))), 0.0
    else:
        assert isinstance(outcome, Failed)
        place, seconds = machine().failed(place, outcome.error, json.dumps({"errorMessage": outcome.cause}))
        seconds = seconds if pending or world.source.read_only else 0.0
    if seconds:
        return place, seconds
    return settled(world, place)


def passed(world: LivingWorld, seconds: float) -> None:
    if seconds:
        world.pass_time(seconds)
        oracle.check(world)


# ---- comparing ----------------------------------------------------------------------------------------------------------

MOMENTS = {"began", "quiet_since"}


def node_key(world: LivingWorld, node: Node) -> str:
    """The same for nodes with the same future."""
    world.restore(node.world)
    late = node.late and (node.late.function, node.late.event, node.late.told, round(node.late.dies - world.clock, 3))
    drain = next((frame.data.get("drain") for frame in node.place.frames if isinstance(frame.data, dict)), None) or {}
    counted = drain.get("logins")
    logins = sorted((name, account.logins - counted) for name, account in world.source.accounts.items()) if counted is not None else ()
    place = _relative(json.loads(node.place.key()), world.clock)
    text = repr((world.key(), place, late, logins, node.run, node.struck, node.faults))
    return _renamed(text)


def _relative(value: Any, clock: float) -> Any:
    """Moments as so long ago; a count of logins says something only beside the accounts'."""
    if isinstance(value, dict):
        return {
            key: round(clock - one, 3) if key in MOMENTS and isinstance(one, float | int) else None if key == "logins" else _relative(one, clock)
            for key, one in value.items()
        }
    return [_relative(one, clock) for one in value] if isinstance(value, list) else value


def _renamed(text: str) -> str:
    """Passwords that were made are called by the order in which they come: which number one has means nothing."""
    names: dict[str, str] = {}
    return MADE.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), text)


