"""What all explorations are made of: the shipped machine, calls of functions under the oracle's eyes, and how to compare."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from rotation.core.errors import NoFreeSlot, SourceLags

from tests.faults.laws import acts, instant
from tests.faults.laws.violation import Violation
from tests.statemachine.machine import definition_text, shipped
from tests.worlds.asl import Identity, Machine, Place
from tests.worlds.invocation import MADE, Answered, Boundary, Failed, Gate, Invocation, Outcome, Told
from tests.worlds.living import ARN, LivingWorld
from tests.worlds.world import FORMER, USERS

Json = Any
MOST_TRIES = 400
"""Of one run's calls: after so many it does not end any more."""
CHANGES_BY_ITSELF = (NoFreeSlot.__name__, SourceLags.__name__)
"""Sessions end, and a provider gets to know what it was told."""


@cache
def machine() -> Machine:
    return Machine(json.loads(definition_text(shipped())))


@dataclass(frozen=True, eq=False)
class LeftLying:
    """An invocation that nobody waits for any more; it may still act until its time is up."""

    function: str
    event: dict[str, Any]
    name: str
    told: tuple[Told, ...]
    dies: float


def begun(name: str, mode: str, **more: str) -> Place:
    """A new execution, before its first state. `more`: what it is given besides."""
    given = more if mode == "rotate" else {**more, "mode": mode}
    return machine().begin(Identity(ARN + name, name, given, f"started {name}"))


def settled(world: LivingWorld, place: Place) -> tuple[Place, float]:
    """Past everything that is no call and takes no time; and how long it then waits."""
    while not place.ended and machine().at(place)["Type"] != "Task":
        place, seconds = machine().step(place)
        if seconds:
            return place, seconds
    if place.ended:
        world.alive.discard(place.who.id)
    return place, 0.0


def function_at(place: Place) -> tuple[str, dict[str, Any]]:
    """What the Task there calls, and with what."""
    call = machine().call(place)
    return call.function.rpartition(":")[2], call.event


def invocation(
    world: LivingWorld,
    function: str,
    event: dict[str, Any],
    name: str,
    *,
    told: tuple[Told, ...] = (),
    before: Gate | None = None,
    after: Gate | None = None,
) -> Invocation:
    """Under the oracle's eyes: it looks after every boundary that changed something (the others change nothing to look at)."""

    def looked(it: Invocation, boundary: Boundary) -> None:
        try:
            acts.judge(it, boundary)
            if boundary.changed:
                world.look_at_sessions()
                instant.check(world)
        except Violation as violation:
            violation.where = f"{it.event['execution']['name']} {it.function} {boundary.number} ({boundary.what})"
            raise
        if after:
            after(it, boundary)

    more: dict[str, Callable[..., None]] = {"before": before} if before else {}
    return Invocation(world, function, event, name, told=told, after=looked, **more)


def finish(world: LivingWorld, late: LeftLying) -> list[Boundary]:
    """It goes on to its end, over these boundaries; nobody hears what it says."""
    it = invocation(world, late.function, late.event, late.name, told=late.told)
    acts.canaries(world, it.run())
    return it.seen.boundaries


def conclude(world: LivingWorld, place: Place, outcome: Outcome, *, pending: bool) -> tuple[Place, float]:
    """Where the machine goes with it, and what it then waits. A back-off takes its time only where waiting changes something:
    else two runs that differ in nothing else would not be the same."""
    acts.canaries(world, outcome)
    if isinstance(outcome, Answered):
        return settled(world, machine().answered(place, json.loads(json.dumps(outcome.payload))))
    assert isinstance(outcome, Failed)
    place, seconds = machine().failed(place, outcome.error, json.dumps({"errorMessage": outcome.cause}))
    changes = pending or world.source.read_only or outcome.error in CHANGES_BY_ITSELF
    return (place, seconds) if seconds and changes else settled(world, place)


def passed(world: LivingWorld, seconds: float) -> None:
    if seconds:
        world.pass_time(seconds)
        instant.check(world)
        if world.others:
            world.others(world)


def clean_run(world: LivingWorld, name: str) -> Place:
    """Where it ends."""
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
    return place


# ---- comparing ----------------------------------------------------------------------------------------------------------

MOMENTS = {"began", "quiet_since"}


def place_key(world: LivingWorld, place: Place) -> Json:
    """Moments as so long ago, and a count of logins beside the accounts': alone it says nothing."""
    drain = next((frame.data.get("drain") for frame in place.frames if isinstance(frame.data, dict)), None) or {}
    counted = drain.get("logins")
    drained = {*USERS.values(), FORMER} - {world.held.username}  # nobody counts how often the others logged in
    accounts = sorted((name, one.logins) for name, one in world.source.accounts.items() if name in drained)
    claim = next((frame.data.get("claim") for frame in place.frames if isinstance(frame.data, dict)), None) or {}
    base = None if counted is None else counted + claim.get("own_logins", 0)
    logins = [(name, logins - base) for name, logins in accounts] if base is not None else ()
    return _relative(json.loads(place.key()), world.clock), logins


def late_key(world: LivingWorld, late: LeftLying | None) -> Json:
    return late and (late.function, late.event, [_since(one, world.clock) for one in late.told], round(late.dies - world.clock, 3))


def _since(told: Told, clock: float) -> Told | float:
    """A moment as so long ago; how old something is, is none."""
    moment = isinstance(told.answer, float) and told.answer > clock / 2
    return round(clock - told.answer, 3) if moment else told


def _relative(value: Json, clock: float) -> Json:
    if isinstance(value, dict):
        return {key: _moment(key, one, clock) for key, one in value.items()}
    return [_relative(one, clock) for one in value] if isinstance(value, list) else value


def _moment(key: str, value: Json, clock: float) -> Json:
    if key in MOMENTS and isinstance(value, float | int):
        return round(clock - value, 3)
    return None if key in ("logins", "own_logins") else _relative(value, clock)


def renamed(text: str) -> str:
    """Passwords that were made are called by the order in which they come: which number one has means nothing."""
    names: dict[str, str] = {}
    return MADE.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), text)
