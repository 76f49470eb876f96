"""FindDue: how every target stands, and in which waves those that are due get their turn. It changes no target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from rotation.core.by_hand import asked_of_people
from rotation.core.classes import CLASSES, DEFAULT_CLASS
from rotation.core.errors import FleetInvalid, RotationError
from rotation.fleet.due import DAY, Facts, Intent, Standing, by_standing, is_late, standing
from rotation.fleet.holds import Hold
from rotation.fleet.run import Found, Plan, Settings, is_to_be_rotated, lanes_of, plan_key, wave_key
from rotation.fleet.waves import Item, in_lanes, in_waves
from rotation.kinds.apart import Own, clashes, own
from rotation.kinds.target import Target, parse_target
from rotation.protocol.renewal import FirstLook, since_success

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rotation.ports import FleetWorld


READ_AT_ONCE = 100


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
    began, looked = world.now(), _all_looked(world)
    shared = clashes({name: one.own for name, one in looked.items()})
    found = {name: _found(world, settings, one, shared.get(name, "")) for name, one in looked.items()}
    waves = in_waves([one.item for name, one in looked.items() if one.item is not None and is_to_be_rotated(found[name])], run)
    for number, wave in enumerate(waves):
        world.write(wave_key(run, number), lanes_of(in_lanes(wave, settings.per_place, settings.at_once)))
    plan = Plan(run, began, settings, found, [[item.target for item in wave] for wave in waves])
    world.write(plan_key(run), plan.as_dict())
    return plan


def _all_looked(world: FleetWorld) -> dict[str, _Looked]:
    """By the target's name. So many documents at a time: of a thousand they would be most of what is held."""
    holds, documents, looked = world.holds(), world.documents(), dict[str, _Looked]()
    while some := list(islice(documents, READ_AT_ONCE)):
        found = world.each(lambda one: _look(world, *one, holds.get(one[0])), some)
        looked.update(zip((name for name, _ in some), found, strict=True))
    return looked


@dataclass(frozen=True)
class _Looked:
    """At one target."""

    facts: Facts
    held: Hold | None = None
    made_of: str = ""
    item: Item | None = None
    own: Sequence[Own] = ()
    people: str = ""


def _look(world: FleetWorld, name: str, text: str, hold: str | None) -> _Looked:
    """Whatever is wrong with one target is said of it, and the others are looked at."""
    kind = CLASSES[DEFAULT_CLASS]
    try:
        held = Hold.parse(hold) if hold is not None else None
    except ValueError:
        return _Looked(Facts(kind, None, trouble="its hold cannot be read: release it, or hold it again"))
    try:
        target = parse_target(name, text)
        kind = target.rotation_class
        look = FirstLook(world.record(target.slot_secret))
        facts = Facts(kind, since_success(look) / DAY, _intent(world, look), held.ends if held else None)
        owned = own(target, look.record)
    except RotationError as error:
        trouble = f"{type(error).__name__}: {error.at(name)}"
        return _Looked(Facts(kind, None, held_until=held.ends if held else None, trouble=trouble), held)
    made_of = f"{target.source.kind}: {', '.join(one.kind for one in target.consumers)}"
    lateness = (facts.days or 0) - kind.period_days
    item = Item(name, made_of, _places(target, look), look.version.id, look.name, lateness, facts.intent is Intent.LEFT)
    return _Looked(facts, held, made_of, item, owned, asked_of_people(name, look.record))


def _found(world: FleetWorld, settings: Settings, looked: _Looked, clash: str) -> Found:
    """`clash`: what another target has too. Nobody can say whose it is, so neither is rotated."""
    facts = replace(looked.facts, trouble=looked.facts.trouble or clash)
    stands = standing(facts, world.now(), settings.older_than_days)
    why = facts.trouble
    if stands is Standing.HELD and looked.held is not None:
        why = f"held until {looked.held.until}" + (f": {looked.held.reason}" if looked.held.reason else "")
    return Found(stands, None if facts.days is None else round(facts.days, 2), is_late(facts), why, looked.made_of, looked.people)


def _intent(world: FleetWorld, look: FirstLook) -> Intent:
    tag = look.unfinished
    if tag is None:
        return Intent.NONE
    return Intent.RUNNING if world.execution_is_alive(tag.owner, look.age) else Intent.LEFT


def _places(target: Target, look: FirstLook) -> frozenset[str]:
    """The database server, and each cluster whose objects are changed. Of keys nobody says where they belong: they crowd nobody."""
    login = look.record.credential(look.record.active)
    servers = {f"{login.host}:{login.port}"} if login.host else set()
    clusters = {f"cluster {one.settings.get('cluster', '')}" for one in target.consumers if one.known.in_cluster}
    return frozenset(servers | clusters)
