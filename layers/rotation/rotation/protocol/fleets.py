"""Instances that say which version of the application's secret they hold: looked at before a rotation, and asked by the drain.

Imported only where a target has some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.drain import Hold
from rotation.core.fleet import LATEST_SECONDS, LOOK, Telling, first_told, held, refuse_none, unasked

if TYPE_CHECKING:
    from rotation.ports import Fleet, World


def refuse_where_none_serves(world: World) -> None:
    """Of each: to write nowhere would look like success."""
    for fleet in world.fleets():
        refuse_none(f"{world.target.name}: {fleet.name}", fleet.instances())


def planned(world: World) -> list[dict[str, str]]:
    """What a dry run says of them."""
    return [{"state": "WriteWpConfig", "change": first_told(fleet.name, fleet.instances())} for fleet in world.fleets()]


def asked(world: World, mark: str, since: float, *, asking: bool) -> Hold:
    """What all of them hold, as they said since then. `asking`: whoever has to be asked again, is, and the next look hears that."""
    found = [_asked(world, fleet, mark, since, asking=asking) for fleet in world.fleets()]
    return max(found, key=list(Hold).index, default=Hold.SAME)


def _asked(world: World, fleet: Fleet, mark: str, since: float, *, asking: bool) -> Hold:
    if world.rotated is None:
        return Hold.UNKNOWN
    labels = world.rotated.labels()
    telling = Telling(LOOK, labels.current, tuple(filter(None, [labels.previous])), mark)
    instances, answers = fleet.instances(), fleet.answers(world.now() - LATEST_SECONDS)
    told = unasked(instances, answers, telling, since) if asking else ()
    if told:
        fleet.tell(telling, told)
    return held(instances, answers, telling, since)
