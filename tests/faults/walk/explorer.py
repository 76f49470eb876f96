"""Every run that there can be with so many faults, over the shipped machine and the steps as they are.

A node is a moment between two calls of functions (attempt.py has what may come of one). Two nodes in which the same may happen
from here on are one (likeness.py); how many runs lead on from each is counted, not repeated.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from zlib import crc32

from rotation.core.model import Credential

from tests.faults.alike.likeness import digest
from tests.faults.calls.kinds import Kind, touches
from tests.faults.calls.machinery import begun, clean_run, settled
from tests.faults.calls.scenarios import Scenario
from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.faults.walk.attempt import Attempt, Node
from tests.faults.walk.search import Branch, Found, LeftOut, Search
from tests.worlds.asl import Place
from tests.worlds.invocation import Boundary
from tests.worlds.living import LivingWorld

PARTS = 1_000
MOST_RUNS = 6
"""After so many runs one after the other it will not come to rest any more."""


@dataclass
class Report:
    runs: int = 0
    pairs: int = 0
    """Of two faults, one after the other, that were made."""
    left_out: int = 0
    """That were not: only some of those are that touch no ALTER, DISCARD or label."""
    nodes: int = 0
    boundaries: int = 0
    """Of the undisturbed run."""
    cells: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault was applied to the undisturbed run."""
    inapplicable: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


class Explorer(Search[Node]):
    """One scenario; it ends at the first thing found, or the one of that number."""

    def __init__(self, scenario: Scenario, *, stop_at: int = 1, strike_at: str = "", of_the_rest: int = PARTS) -> None:
        super().__init__(stop_at=stop_at)
        self.strike_at = strike_at
        """The only state that faults strike; empty: all."""
        self.scenario = scenario
        self.world = scenario.begun()
        self._began_with = self.world.held
        self.report = Report()
        self._faults = 0
        self._first = 1
        """The number of the run that the faults are to strike first."""
        self._of_the_rest = of_the_rest
        """How many in a thousand of those pairs are made that touch neither ALTER, DISCARD nor a label."""

    def explore(self, faults: int) -> Report:
        count = self.walked(Branch("", lambda: [self.begin(faults)]))
        self.report.runs, self.report.pairs, self.report.left_out = count.runs, count.pairs, count.left_out
        self.report.nodes, self.report.found = self.nodes, self.found
        return self.report

    def key(self, node: Node) -> bytes:
        if node.likeness is None:
            pods, quiet = self.world.pods.rolled_seconds, max(self.world.target.quiet_seconds, self.world.target.outlives_seconds)
            lasts = self.world.job_lasts(node.world.clock)
            mine = (node.struck, node.faults, node.touched and node.faults > 0, *([round(lasts, 3)] if lasts else []))
            node.likeness = digest(node.world, node.place, node.late, node.faults, mine, rolled_seconds=pods, quiet_seconds=quiet)
        return node.likeness

    def begin(self, faults: int) -> Node:
        """Where so many faults begin: at once, or after a first run that was stopped."""
        node = self._at(1, self.scenario.first_mode if self.scenario.stopped_at else self.scenario.mode)
        until = self.scenario.stopped_at or self.scenario.late_at
        while until and node.place.state != until:
            if node.place.ended:
                raise Violation("at-rest", f"the first run ended {node.place.state} before it came to {until}")
            (node,) = Attempt(self.world, node).undisturbed()
        if self.scenario.late_at:
            self.world.restore(node.world)
            late = self.scenario.late(self.world)
            node = replace(node, world=self.world.snapshot(), late=late)
        if self.scenario.stopped_at:
            node = self._at(2, self.scenario.mode)
        self._faults, self._first = faults, node.run
        return replace(node, faults=faults)

    def _at(self, number: int, mode: str) -> Node:
        """Right after the beginning of a run."""
        place = self._begin(number, mode)
        return Node(self.world.snapshot(), place, number)

    def _begin(self, number: int, mode: str) -> Place:
        name, given = self.world.begins(number)
        place = begun(name, mode, **given)
        self.world.alive = {place.who.id}
        return settled(self.world, place)[0]

    def branches(self, node: Node) -> Iterator[Branch[Node]]:
        if node.place.ended:
            if node.struck:
                yield Branch(f"[{node.place.state} {node.place.status}]", lambda: self._next_run(node))
            else:
                yield Branch("", lambda: self._rest(node))
            return
        attempt = Attempt(self.world, node)
        yield Branch("", attempt.undisturbed)
        self._count(node, attempt)
        if node.faults and self.strike_at in ("", node.place.state):
            yield from self._struck(node, attempt)
        if node.late:
            yield from attempt.landings()

    def _count(self, node: Node, attempt: Attempt) -> None:
        """What is said of the undisturbed run."""
        if node.run != self._first or node.struck:
            return
        self.report.boundaries += len(attempt.boundaries)
        if node.faults:
            for kind, _, why in attempt.faults():
                (self.report.inapplicable if why else self.report.cells)[why or kind] += 1

    def _struck(self, node: Node, attempt: Attempt) -> Iterator[Branch[Node]]:
        second = node.faults < self._faults
        for kind, boundary, why in attempt.faults():
            if why:
                continue
            made = not second or self._is_made(node, kind, boundary)
            grow = partial(attempt.struck, kind, boundary) if made else _left_out
            yield Branch(attempt.say(kind, boundary), grow, second)

    def _is_made(self, node: Node, kind: Kind, boundary: Boundary) -> bool:
        """Of pairs that both strike where nothing is at stake, so many in a thousand: which, the situation decides."""
        at_stake = node.touched or touches(boundary)
        return at_stake or _drawn(self.key(node), kind, boundary) < self._of_the_rest

    def _rest(self, node: Node) -> list[Node]:
        self.world.restore(node.world)
        self.scenario.rest(self.world, node.place, self._began_with)
        return []

    def _next_run(self, node: Node) -> list[Node]:
        if node.run == MOST_RUNS:
            raise Violation("at-rest", f"{MOST_RUNS} runs, and no end")
        self.world.restore(node.world)
        self.world.heal()
        place = self._begin(node.run + 1, self.scenario.mode)
        late = node.late is not None
        return [replace(node, world=self.world.snapshot(), place=place, run=node.run + 1, calls=0, struck=late, likeness=None)]


def _drawn(key: bytes, kind: Kind, boundary: Boundary) -> int:
    return crc32(key + f"{kind} {boundary.number}".encode()) % PARTS


def _left_out() -> list[Node]:
    raise LeftOut


def finished(world: LivingWorld, name: str, *before: Credential) -> None:
    """One clean run, to its end, after which all is at rest."""
    at_rest(world, clean_run(world, name), *before)
