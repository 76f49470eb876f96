"""In which order a fleet's targets are rotated, and how many at once at one place. Pure: the same run gives the same waves.

First one target of each kind alone (the canaries), then tenths. Within a wave targets lie in lanes: those in one lane come one
after the other, lanes run side by side. No place (a database server, a cluster) is in more lanes than may be at work there at once:
so the limit holds without a lock, and without asking anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil

WAVES = 10
LEAST = 3
"""A wave of a small fleet has so many: to stop and decide costs more than it tells."""


@dataclass(frozen=True)
class Item:
    """A target that is to be rotated."""

    target: str
    kind: str
    """What it is made of: where one of a kind is rotated, the others will very likely be."""
    places: frozenset[str]
    """Servers and clusters that it is a burden to."""
    current: str
    """The version of its record that is current. Once another one is, it was rotated by somebody else meanwhile."""
    record: str = ""
    """The secret with its credentials, which is the lock of its rotation too."""
    lateness: float = 0.0
    """In days: how long it has been due."""
    left: bool = False
    """A rotation of it was begun and not finished."""


def in_waves(items: Iterable[Item], run: str) -> list[list[Item]]:
    """Canaries; then what was begun and not finished, then what has been due the longest."""
    waiting = sorted(items, key=lambda one: (not one.left, -one.lateness, one.target))
    canaries = _canaries(waiting, run)
    rest = [one for one in waiting if one not in canaries]
    size = max(LEAST, ceil((len(canaries) + len(rest)) / WAVES))
    tenths = [rest[start : start + size] for start in range(0, len(rest), size)]
    return [wave for wave in (canaries, *tenths) if wave]


def _canaries(waiting: Sequence[Item], run: str) -> list[Item]:
    """Each day another one, so that a target which always fails does not stop the whole fleet every day; and none that was left
    half done, as long as there is another of its kind."""
    found: dict[str, Item] = {}
    for one in sorted(waiting, key=lambda one: (one.left, _drawn(run, one.target))):
        found.setdefault(one.kind, one)
    return sorted(found.values(), key=lambda one: one.target)


def _drawn(run: str, target: str) -> str:
    return sha256(f"{run}|{target}".encode()).hexdigest()


@dataclass
class _Lane:
    items: list[Item] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def take(self, item: Item) -> None:
        self.items.append(item)
        self.places |= item.places

    def swallow(self, other: "_Lane") -> None:
        self.items += other.items
        self.places |= other.places


def in_lanes(wave: Iterable[Item], per_place: int, at_once: int) -> list[list[Item]]:
    """As many lanes as may run, each as short as can be; no place is in more than `per_place` of them."""
    lanes: list[_Lane] = []
    for item in wave:
        fitting = [lane for lane in lanes if _fits(item, lane, lanes, per_place)]
        if len(lanes) < at_once and _fits(item, _Lane(), lanes, per_place):
            lanes.append(_Lane())
            fitting = [lanes[-1]]
        (min(fitting, key=lambda lane: len(lane.items)) if fitting else _made_to_fit(item, lanes, per_place)).take(item)
    return [lane.items for lane in lanes]


def _fits(item: Item, lane: _Lane, lanes: Sequence[_Lane], per_place: int) -> bool:
    return all(place in lane.places or _lanes_at(place, lanes) < per_place for place in item.places)


def _lanes_at(place: str, lanes: Sequence[_Lane]) -> int:
    return sum(place in lane.places for lane in lanes)


def _made_to_fit(item: Item, lanes: list[_Lane], per_place: int) -> _Lane:
    """One lane for each place that is full, made one: what was side by side comes one after the other, which harms nobody."""
    full = [place for place in sorted(item.places) if _lanes_at(place, lanes) >= per_place]
    chosen = min((lane for lane in lanes if full[0] in lane.places), key=lambda lane: len(lane.items))
    for place in full[1:]:
        if place not in chosen.places:
            other = min((lane for lane in lanes if place in lane.places), key=lambda lane: len(lane.items))
            chosen.swallow(other)
            lanes.remove(other)
    return chosen
