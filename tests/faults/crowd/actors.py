"""Executions and left-behind invocations side by side: any of them may do its next boundary next.

Time passes only when one that waits is chosen. An invocation in the middle of its work does not outlive its time: whoever is to
act late is chosen before the time that ends it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.faults.calls import secrets_manager
from tests.faults.calls.machinery import LeftLying, begun, conclude, function_at, invocation, passed, settled
from tests.worlds.asl import Place
from tests.worlds.invocation import Boundary, Failed, Gate, Invocation, Left, Outcome
from tests.worlds.living import FUNCTION_SECONDS, LivingWorld


@dataclass(frozen=True)
class Actor:
    """An execution; or, without a place, an invocation that nobody waits for any more."""

    name: str
    place: Place | None
    call: LeftLying | None = None
    """In the middle of its work."""
    wakes: float | None = None
    calls: int = 0

    @property
    def over(self) -> bool:
        return self.call is None and (self.place is None or self.place.ended)

    @property
    def state(self) -> str:
        """Where the execution is, if there is one."""
        return self.place.state if self.place else ""

    @property
    def runs(self) -> bool:
        """Whether it is an execution that has not ended."""
        return self.place is not None and not self.place.ended


Actors = tuple[Actor, ...]


def started(world: LivingWorld, name: str, mode: str = "rotate", **given: str) -> Actor:
    place = begun(name, mode, **given)
    world.alive.add(place.who.id)
    return _settle(world, Actor(name, place), place, 0.0)


def stopped(world: LivingWorld, actor: Actor) -> Actor:
    """By an operator: what is at work goes on."""
    assert actor.place
    world.alive.discard(actor.place.who.id)
    return replace(actor, place=None, wakes=None)


def redriven(world: LivingWorld, place: Place) -> Actor:
    """The same execution goes on with the state in which it was stopped, every Retry unused; what that state had called may still
    be at work."""
    again = replace(place, status="RUNNING", frames=tuple(replace(frame, tries=()) for frame in place.frames))
    world.alive.add(place.who.id)
    return _settle(world, Actor(f"{place.who.name} redriven", again), again, 0.0)


def acted(
    world: LivingWorld, actors: Actors, chosen: int, boundaries: int = 1, before: Gate | None = None, after: Gate | None = None
) -> Actors:
    """The actors after the chosen one has done that many boundaries, or came to the end of its call or of its waiting."""
    actor = actors[chosen]
    if actor.wakes is not None:
        return _woken(world, actors, chosen, actor.wakes)
    return _with(actors, chosen, _worked(world, actor, boundaries, before, after))


def _with(actors: Actors, place: int, actor: Actor) -> Actors:
    return (*actors[:place], actor, *actors[place + 1 :])


def _woken(world: LivingWorld, actors: Actors, chosen: int, moment: float) -> Actors:
    """Whoever's time is up by then is killed."""
    if moment > world.clock:
        actors = tuple(_ended_by(world, one, moment) for one in actors)
        passed(world, moment - world.clock)
    actor = actors[chosen]
    assert actor.place
    return _with(actors, chosen, _settle(world, replace(actor, wakes=None), actor.place, 0.0))


def _ended_by(world: LivingWorld, actor: Actor, moment: float) -> Actor:
    if actor.call is None or actor.call.dies >= moment:
        return actor
    world.source.leave(actor.call.name)
    return _concluded(world, actor, Failed("Sandbox.Timedout", "killed"))


def _worked(world: LivingWorld, actor: Actor, boundaries: int, before: Gate | None, after: Gate | None) -> Actor:
    call = actor.call or _called(world, actor)
    it = invocation(world, call.function, call.event, call.name, told=call.told, before=_for(boundaries, before), after=after)
    outcome = it.run()
    if isinstance(outcome, Left):
        return replace(actor, call=replace(call, told=outcome.told))
    return _concluded(world, actor, outcome)


def _concluded(world: LivingWorld, actor: Actor, outcome: Outcome) -> Actor:
    """Whoever waits for it goes on with that."""
    if actor.place is not None:
        return _answered(world, actor, actor.place, outcome)
    if actor.call and actor.call.function == secrets_manager.FUNCTION:
        secrets_manager.concluded(world, outcome)  # type: ignore[arg-type]
    return replace(actor, call=None)


def _called(world: LivingWorld, actor: Actor) -> LeftLying:
    assert actor.place
    function, event = function_at(actor.place)
    return LeftLying(function, event, f"{actor.name}/{function}/{actor.calls}", (), world.clock + FUNCTION_SECONDS)


def _for(boundaries: int, also: Gate | None) -> Callable[[Invocation, Boundary], None]:
    """It stops before the one after so many."""
    done = 0

    def gate(it: Invocation, boundary: Boundary) -> None:
        nonlocal done
        if done == boundaries:
            it.leave_lying()
        done += 1
        if also:
            also(it, boundary)

    return gate


def _answered(world: LivingWorld, actor: Actor, place: Place, outcome: object) -> Actor:
    place, wait = conclude(world, place, outcome, pending=world.source.lock is not None)  # type: ignore[arg-type]
    return _settle(world, replace(actor, call=None, calls=actor.calls + 1), place, wait)


def _settle(world: LivingWorld, actor: Actor, place: Place, wait: float) -> Actor:
    if not wait:
        place, wait = settled(world, place)
    return replace(actor, place=place, wakes=world.clock + wait if wait else None)
