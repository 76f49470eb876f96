"""Instances that say which version of the application's secret they hold: looked at before a rotation, and asked by the drain.

Imported only where a target has some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.drain import Hold
from rotation.core.fleet import (
    LATEST_SECONDS,
    LOOK,
    NO_VERSION,
    OWN,
    WRITTEN,
    Telling,
    first_told,
    heard,
    refuse_none,
    silent,
    to,
    to_write,
    unasked,
)
from rotation.kinds.kind import Holds

if TYPE_CHECKING:
    from rotation.ports import Fleet, World


def refuse_where_none_serves(world: World) -> None:
    """Of each: to write nowhere would look like success."""
    for fleet in world.fleets():
        refuse_none(f"{world.target.name}: {fleet.name}", fleet.instances())


def planned(world: World) -> list[dict[str, str]]:
    """What a dry run says of them."""
    told = [(index, one.known) for index, one in enumerate(world.target.consumers) if one.known.holds is Holds.VERSION]
    fleets = [(known.state, world.fleet(index)) for index, known in told]
    return [{"state": state, "change": first_told(fleet.name, fleet.instances())} for state, fleet in fleets]


def owned(world: World, mark: str, began: float) -> tuple[bool, bool]:
    """Whether every file has the owner and mode that the target names, and whether one had to change. Who has not been told is
    told now; the next look hears what came of it."""
    found = [_owned(world, fleet, Telling(OWN, NO_VERSION, mark=mark), began) for fleet in world.fleets()]
    return all(done for done, _ in found), any(changed for _, changed in found)


def _owned(world: World, fleet: Fleet, telling: Telling, began: float) -> tuple[bool, bool]:
    name, waited = f"{world.target.name}: {fleet.name}", world.now() - began
    instances, answers = fleet.instances(), fleet.answers(began - LATEST_SECONDS)
    refuse_none(name, instances)
    following = to_write(instances, answers, telling)
    if not following.complete and waited > LATEST_SECONDS:
        raise silent(name, instances, answers, telling, waited)
    if following.tell:
        fleet.tell(telling, following.tell)
    return following.complete, any(answer.file == WRITTEN for answer in to(telling, answers))


def question(world: World, mark: str, *, careful: bool = False) -> Telling:
    """Whether an instance holds what is current; if not, whether it holds what was current before."""
    assert world.rotated is not None  # noqa: S101 - a target with instances is not parsed without such a secret
    labels = world.rotated.labels()
    return Telling(LOOK, labels.current, (labels.previous,) if labels.previous else (), mark, careful)


def asked(world: World, mark: str, since: float, *, asking: bool) -> Hold:
    """What all of them hold, as they said since then. With `asking`, those who have not said so are asked now; the next look hears
    their answers."""
    found = [_asked(world, fleet, mark, since, asking=asking) for fleet in world.fleets()]
    return max(found, key=list(Hold).index, default=Hold.SAME)


def _asked(world: World, fleet: Fleet, mark: str, since: float, *, asking: bool) -> Hold:
    telling = question(world, mark)
    instances, answers = fleet.instances(), fleet.answers(world.now() - LATEST_SECONDS)
    told = unasked(instances, answers, telling, since) if asking else ()
    if told:
        fleet.tell(telling, told)
    return heard(instances, answers, telling, since).hold


def waited_for(world: World, mark: str, since: float) -> str:
    """Who keeps a drain from its end, each by its name as long as they are few; empty for nobody."""
    found = [(fleet.name, _heard(world, fleet, mark, since)) for fleet in world.fleets()]
    return "".join(f"; {name}: {words}" for name, words in found if words)


def _heard(world: World, fleet: Fleet, mark: str, since: float) -> str:
    answers = fleet.answers(world.now() - LATEST_SECONDS)
    return heard(fleet.instances(), answers, question(world, mark), since).words
