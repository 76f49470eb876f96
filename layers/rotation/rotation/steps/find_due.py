"""FindDue: how every target stands, and in which waves those that are due get their turn. It changes no target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.classes import CLASSES, DEFAULT_CLASS
from rotation.core.errors import FleetInvalid, RotationError
from rotation.fleet.due import DAY, Facts, Intent, Standing, by_standing, is_late, standing
from rotation.fleet.holds import Hold
from rotation.fleet.run import Found, Plan, Settings, is_to_be_rotated, lanes_of, plan_key, wave_key
from rotation.fleet.waves import Item, in_lanes, in_waves
from rotation.kinds.target import Target, parse_target
from rotation.protocol.renewal import FirstLook, since_success

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.ports import FleetWorld


def find_due(world: FleetWorld, event: Mapping[str, Any]) -> dict[str, Any]:
    """How many waves there are; all else is in the bucket, so that no payload grows with the fleet. Asked again by the same run, it
    keeps what it has said: turns may have begun."""
    run = str(event["run"])
    settings = _settings(event)
    known = world.read(plan_key(run))
    plan = Plan.parse(known) if known is not None else _planned(world, run, settings)
    counts = by_standing(one.standing for one in plan.targets.values())
    return {"waves": len(plan.waves), "at_once": settings.at_once, "counts": counts}


def _settings(event: Mapping[str, Any]) -> Settings:
    try:
        return Settings.parse(event["settings"])
    except ValueError as error:
        raise FleetInvalid(str(error)) from None


def _planned(world: FleetWorld, run: str, settings: Settings) -> Plan:
    began, holds = world.now(), world.holds()
    documents = list(world.documents().items())
    looked = world.each(lambda one: _look(world, settings, one[0], one[1], holds.get(one[0])), documents)
    found = {name: one for (name, _), (one, _) in zip(documents, looked, strict=True)}
    waves = in_waves([item for one, item in looked if item is not None and is_to_be_rotated(one)], run)
    for number, wave in enumerate(waves):
        world.write(wave_key(run, number), lanes_of(in_lanes(wave, settings.per_place, settings.at_once)))
    plan = Plan(run, began, settings, found, [[item.target for item in wave] for wave in waves])
    world.write(plan_key(run), plan.as_dict())
    return plan


def _look(world: FleetWorld, settings: Settings, name: str, text: str, hold: str | None) -> tuple[Found, Item | None]:
    """Whatever is wrong with one target is said of it, and the others are looked at."""
    kind = CLASSES[DEFAULT_CLASS]
    try:
        held = Hold.parse(hold) if hold is not None else None
    except ValueError:
        facts = Facts(kind, None, trouble="its hold cannot be read: release it, or hold it again")
        return _found(world, settings, facts, None, ""), None
    try:
        target = parse_target(name, text)
        kind = target.rotation_class
        look = FirstLook(world.record(target.slot_secret))
        facts = Facts(kind, since_success(look) / DAY, _intent(world, look), held.ends if held else None)
    except RotationError as error:
        facts = Facts(kind, None, held_until=held.ends if held else None, trouble=f"{type(error).__name__}: {error.at(name)}")
        return _found(world, settings, facts, held, ""), None
    made_of = f"{target.source.kind}: {', '.join(one.kind for one in target.consumers)}"
    found = _found(world, settings, facts, held, made_of)
    lateness = (facts.days or 0) - kind.period_days
    return found, Item(name, made_of, _places(target, look), look.version.id, look.name, lateness, facts.intent is Intent.LEFT)


def _found(world: FleetWorld, settings: Settings, facts: Facts, held: Hold | None, kind: str) -> Found:
    stands = standing(facts, world.now(), settings.older_than_days)
    why = facts.trouble
    if stands is Standing.HELD and held is not None:
        why = f"held until {held.until}" + (f": {held.reason}" if held.reason else "")
    return Found(stands, None if facts.days is None else round(facts.days, 2), is_late(facts), why, kind)


def _intent(world: FleetWorld, look: FirstLook) -> Intent:
    tag = look.unfinished
    if tag is None:
        return Intent.NONE
    return Intent.RUNNING if world.execution_is_alive(tag.owner, look.age) else Intent.LEFT


def _places(target: Target, look: FirstLook) -> frozenset[str]:
    """The database server, and each cluster whose objects are changed."""
    login = look.record.credential(look.record.active)
    clusters = {f"cluster {one.settings.get('cluster', '')}" for one in target.consumers if one.known.in_cluster}
    return frozenset({f"{login.host}:{login.port}", *clusters})
