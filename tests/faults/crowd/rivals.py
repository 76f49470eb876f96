"""Two at once: one is interrupted at any boundary for the other, and that one for the first, up to so many times.

Orders that lead to the same world, with the same told to each, go on as one: that is the whole of the reduction, and it loses
nothing. Every order without a bound is out of reach: what an invocation was told while another went on is its own for each of
them (120,000 situations in two minutes, and no end in sight). So interruptions are bounded, and what is beyond is drawn at
random (schedules.py). To let somebody go on who had no other choice, or while the other waits, is no interruption.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.faults.calls.machinery import late_key, place_key, renamed
from tests.faults.calls.scenarios import Scenario
from tests.faults.crowd.actors import Actor, Actors, acted, started, stopped
from tests.faults.laws.violation import Violation
from tests.faults.walk.search import Branch, Search
from tests.worlds.asl import Place
from tests.worlds.living import LivingWorld, Snapshot

MOST_CALLS = 200


@dataclass(frozen=True)
class Node:
    world: Snapshot
    actors: Actors
    stops: int
    """How many executions an operator may still stop."""
    begun: int
    """How many executions there were."""
    clean: bool = False
    """Whether what runs is the one run after all the others."""
    at_work: str = ""
    """Who acted last."""
    interruptions: int = 0
    """How many more there may be."""
    calls: int = 0
    """How many Secrets Manager may still make."""
    ended: Place | None = None
    """Where that one came to."""


class Rivals(Search[Node]):
    """`modes`: of the executions that begin at the same moment; and how many of them an operator may stop, at any boundary.
    What he stops goes on with the call that it is in; meanwhile the next run begins."""

    def __init__(
        self, scenario: Scenario, modes: tuple[str, ...], *, stops: int = 0, interruptions: int = 3, stop_at: int = 1
    ) -> None:
        super().__init__(stop_at=stop_at)
        self.world: LivingWorld = scenario.begun()
        self._began_with = self.world.held
        self._scenario, self._modes, self._stops, self._interruptions = scenario, modes, stops, interruptions

    def explore(self) -> int:
        """How many schedules there are."""
        return self.walked(Branch("", lambda: [self._begin()])).runs

    def _begin(self) -> Node:
        actors = tuple(started(self.world, f"run-{number}", mode) for number, mode in enumerate(self._modes, 1))
        return Node(self.world.snapshot(), actors, self._stops, len(actors), interruptions=self._interruptions)

    def key(self, node: Node) -> str:
        self.world.restore(node.world)
        actors = [
            (one.name, one.place and place_key(self.world, one.place), late_key(self.world, one.call), self._wakes(one))
            for one in node.actors
        ]
        return renamed(
            repr((self.world.key(), actors, node.stops, node.begun, node.clean, node.at_work, node.interruptions, node.calls))
        )

    def _wakes(self, actor: Actor) -> float | None:
        return None if actor.wakes is None else round(actor.wakes - self.world.clock, 3)

    def branches(self, node: Node) -> Iterator[Branch[Node]]:
        if not any(one.runs for one in node.actors):
            yield from self._nobody_runs(node)
            return
        for number, actor in enumerate(node.actors):
            if not actor.over and (node.interruptions or not self._interrupts(node, actor)):
                yield Branch(f"{actor.name} {_doing(actor)}", lambda n=number: self._act(node, n))  # type: ignore[misc]
            if actor.runs and node.stops:
                yield Branch(f"{actor.name} is stopped", lambda n=number: self._stop(node, n))  # type: ignore[misc]

    def _interrupts(self, node: Node, actor: Actor) -> bool:
        return any(one.name == node.at_work != actor.name and one.wakes is None for one in node.actors)

    def _nobody_runs(self, node: Node) -> Iterator[Branch[Node]]:
        if node.clean:
            yield Branch("", lambda: self._rest(node))
        else:
            beside_the_late = self._stops > 0 and node.begun == len(self._modes)
            yield Branch("the next run begins", lambda: self._next(node, clean=not beside_the_late))

    def _next(self, node: Node, *, clean: bool) -> list[Node]:
        """Whoever is still at work from before is gone by the time of the clean one."""
        self.world.restore(node.world)
        for one in node.actors:
            if clean and one.call:
                self.world.source.leave(one.call.name)
        late = () if clean else node.actors
        actors = (*late, started(self.world, f"run-{node.begun + 1}"))
        return [replace(node, world=self.world.snapshot(), actors=actors, clean=clean, begun=node.begun + 1, stops=0)]

    def _act(self, node: Node, chosen: int) -> list[Node]:
        if node.actors[chosen].calls > MOST_CALLS:
            raise Violation("at-rest", f"{MOST_CALLS} calls, and no end")
        self.world.restore(node.world)
        # Nobody is there to come between: the rest of the call at once.
        alone = sum(not one.over for one in node.actors) == 1 or not node.interruptions
        actors = acted(self.world, node.actors, chosen, boundaries=10_000 if alone and not node.stops else 1)
        left = tuple(one for one in actors if not one.over)
        actor, interrupts = node.actors[chosen], self._interrupts(node, node.actors[chosen])
        node = replace(node, at_work=actor.name, interruptions=node.interruptions - interrupts)
        ended = actors[0].place if node.clean and not left else None
        return [replace(node, world=self.world.snapshot(), actors=left, ended=ended)]

    def _stop(self, node: Node, chosen: int) -> list[Node]:
        self.world.restore(node.world)
        actors = tuple(stopped(self.world, one) if place == chosen else one for place, one in enumerate(node.actors))
        left = tuple(one for one in actors if not one.over)
        return [replace(node, world=self.world.snapshot(), actors=left, stops=node.stops - 1)]

    def _rest(self, node: Node) -> list[Node]:
        assert node.ended
        self.world.restore(node.world)
        self._scenario.rest(self.world, node.ended, self._began_with)
        return []


def _doing(actor: Actor) -> str:
    if actor.wakes is not None:
        return "has waited"
    told = len(actor.call.told) if actor.call else 0
    return f"{actor.call.function if actor.call else actor.place.state if actor.place else ''} {told + 1}"
