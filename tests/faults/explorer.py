"""Every run that there can be with so many faults, over the shipped machine and the steps as they are.

A node is a moment between two calls of functions: the world, the place of the execution, and perhaps an invocation that was
left lying. Its children are what may come of the next call: undisturbed, and with each fault at each of its boundaries. Two
nodes in which the same may happen from here on are one; how many runs lead on from each is counted, not repeated.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from rotation.model import Credential

from tests.faults import oracle
from tests.faults.kinds import STOPS, Kind, Strike, why_not
from tests.faults.machinery import (
    LeftLying,
    begun,
    conclude,
    finish,
    function_at,
    invocation,
    late_key,
    machine,
    passed,
    place_key,
    renamed,
    settled,
)
from tests.faults.oracle import Violation
from tests.faults.scenarios import Scenario
from tests.faults.search import Branch, Found, LeftOut, Search
from tests.worlds.asl import Place
from tests.worlds.invocation import Boundary, Failed, Gate, Invocation, Left, Outcome
from tests.worlds.living import FUNCTION_SECONDS, LivingWorld, Snapshot

ONE_PAIR_IN = 10
MOST_RUNS = 6
"""After so many runs one after the other it will not come to rest any more."""
MOST_TRIES = 400
"""Of one run's calls, likewise."""


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
    touched: bool = False
    """Whether a fault struck where a password or a label moves."""


@dataclass
class Report:
    runs: int = 0
    left_out: int = 0
    """Runs with two faults that were not made: only some of those are that touch no ALTER, DISCARD or label."""
    nodes: int = 0
    boundaries: int = 0
    """Of the undisturbed run."""
    cells: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault was applied to the undisturbed run."""
    inapplicable: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


class Explorer(Search[Node]):
    """One scenario; it ends at the first thing found, or the one of that number."""

    def __init__(self, scenario: Scenario, *, stop_at: int = 1, strike_at: str = "") -> None:
        super().__init__(stop_at=stop_at)
        self.strike_at = strike_at
        """The only state that faults strike; empty: all."""
        self.scenario = scenario
        self.world = scenario.begun()
        self._began_with = self.world.file.held
        self.report = Report()
        self.faults = 0
        self.first = 1
        """The number of the run that the faults are to strike first."""

    def explore(self, faults: int) -> Report:
        root = self._prepared(faults)
        self.faults = faults
        self.first = root.run
        count = self.runs(root)
        self.report.runs, self.report.left_out = count.runs, count.left_out
        self.report.nodes, self.report.found = self.nodes, self.found
        return self.report

    def key(self, node: Node) -> str:
        self.restore(node)
        mine = (node.run, node.struck, node.faults, node.touched)
        return renamed(repr((self.world.key(), place_key(self.world, node.place), late_key(self.world, node.late), mine)))

    def restore(self, node: Node) -> None:
        self.world.restore(node.world)

    def _prepared(self, faults: int) -> Node:
        """Where the faults begin: at once, or after a first run that was stopped."""
        node = Node((), self._begin(1, self.scenario.first_mode if self.scenario.stopped_at else self.scenario.mode))
        node = replace(node, world=self.world.snapshot())
        while self.scenario.stopped_at and node.place.state != self.scenario.stopped_at:
            (node,) = Attempt(self, node).undisturbed()
        if self.scenario.stopped_at:
            node = Node((), self._begin(2, self.scenario.mode), run=2)
        self.report = Report()
        return replace(node, world=self.world.snapshot(), faults=faults)

    def _begin(self, number: int, mode: str) -> Place:
        place = begun(f"run-{number}", mode)
        self.world.alive = {place.who.id}
        return settled(self.world, place)[0]

    def branches(self, node: Node) -> Iterator[Branch[Node]]:
        if node.place.ended:
            if node.struck:
                yield f"[{node.place.state} {node.place.status}]", lambda: self._next_run(node)
            else:
                yield "", lambda: self._rest(node)
            return
        attempt = Attempt(self, node)
        yield "", attempt.undisturbed
        if node.faults and self.strike_at in ("", node.place.state):
            yield from attempt.faults()
        if node.late:
            yield from attempt.landings()

    def _rest(self, node: Node) -> list[Node]:
        self.scenario.rest(self.world, node.place, self._began_with)
        return []

    def _next_run(self, node: Node) -> list[Node]:
        if node.run == MOST_RUNS:
            raise Violation("at-rest", f"{MOST_RUNS} runs, and no end")
        self.world.throttled.clear()
        place = self._begin(node.run + 1, self.scenario.mode)
        return [Node(self.world.snapshot(), place, node.run + 1, struck=node.late is not None, late=node.late, faults=node.faults)]


def _touches(boundary: Boundary) -> bool:
    return boundary.what.startswith(("alter ", "discard ", "swap ", "create "))


class Attempt:
    """What may come of one call."""

    def __init__(self, explorer: Explorer, node: Node) -> None:
        self._explorer, self._world, self._node = explorer, explorer.world, node
        self._function, self._event = function_at(node.place)
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

    def faults(self) -> Iterator[Branch[Node]]:
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

    def landings(self) -> Iterator[Branch[Node]]:
        """Whoever was left lying goes on, before each boundary of this call and after its last."""
        for number in range(1, len(self._boundaries) + 2):
            what = f"{self._node.place.who.name} {self._node.place.state} before {number}: the late one acts"
            yield what, lambda n=number: self._landed(n)  # type: ignore[misc]

    def _landed(self, number: int) -> list[Node]:
        late = self._node.late
        assert late

        acted = False

        def act(_: Invocation, boundary: Boundary) -> None:
            nonlocal acted
            if boundary.number == number:
                acted = True
                finish(self._world, late)

        outcome = self._invocation(before=act).run()
        if not acted:  # the call came to its end before that
            finish(self._world, late)
        return self._concluded(outcome, struck=True, late=None)

    def _invocation(self, before: Gate | None = None, after: Gate | None = None) -> Invocation:
        name = f"{self._node.place.who.name}/{self._function}/{self._node.run}.{self._node.calls}"
        return invocation(self._world, self._function, self._event, name, before=before, after=after)

    def _struck(self, kind: Kind, at: Boundary) -> list[Node]:
        return [replace(node, touched=self._node.touched or _touches(at)) for node in self._befallen(kind, at)]

    def _left_out(self, kind: Kind, at: Boundary) -> bool:
        """Of two faults that both strike where nothing is at stake, one pair in so many is made: which, its words decide."""
        second = self._node.faults < self._explorer.faults
        if not second or self._node.touched or _touches(at):
            return False
        return crc32(f"{self._say(kind, at)} {self._node.calls}".encode()) % ONE_PAIR_IN != 0

    def _befallen(self, kind: Kind, at: Boundary) -> list[Node]:
        if self._left_out(kind, at):
            raise LeftOut
        strike = Strike(kind, at.number)
        it = self._invocation(before=strike.before, after=strike.after)
        outcome = it.run()
        if strike.instead is not None:
            outcome = strike.instead
        if isinstance(outcome, Left):
            dies = self._world.clock + FUNCTION_SECONDS
            left = LeftLying(self._function, self._event, it.name, outcome.told, dies)
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
        now = replace(node, world=(), place=place, calls=node.calls + 1, struck=struck, late=late, faults=node.faults - spent)
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


def finished(world: LivingWorld, name: str, *before: Credential) -> None:
    """One clean run, to its end, after which all is at rest."""
    world.alive.clear()
    place = begun(name, "rotate")
    world.alive = {place.who.id}
    place, seconds = settled(world, place)
    for calls in range(MOST_TRIES):
        passed(world, seconds)
        if place.ended:
            break
        if machine().at(place)["Type"] == "Task":
            function, event = function_at(place)
            outcome = invocation(world, function, event, f"{name}/{function}/{calls}").run()
            place, seconds = conclude(world, place, outcome, pending=False)
        else:
            place, seconds = settled(world, place)
    oracle.at_rest(world, place, *before)
