"""One run of a fleet, as it is written down: what was found, what is to be done, what came of it. Pure; where it is kept is said
by its keys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any

from rotation.fleet.budget import outcome_of
from rotation.fleet.due import ROTATED, Standing
from rotation.fleet.outcome import Outcome
from rotation.fleet.waves import Item
from rotation.told.notice import BY_FLEET

NAME_LENGTH = 80
"""Of an execution's name."""
_DIGEST = 8


@dataclass(frozen=True)
class Settings:
    """As a run was started with."""

    at_once: int
    per_place: int
    percent: float
    """Of all targets of the run: so many may fail."""
    patience_seconds: int
    older_than_days: float | None = None
    """Whatever was not made new for so long is due, whatever its class."""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Settings":
        """ValueError names what is wrong: nobody starts a fleet by a slip."""
        unknown = sorted(set(given) - {one.name for one in fields(cls)})
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such setting")
        return cls(
            _whole(given, "at_once", 1, 1000),
            _whole(given, "per_place", 1, 1000),
            _number(given, "percent", 0, 100),
            _whole(given, "patience_seconds", 60, 86_400),
            None if given.get("older_than_days") is None else _number(given, "older_than_days", 0, 3650),
        )


def _number(given: Mapping[str, Any], name: str, least: float, most: float) -> float:
    try:
        value = float(given[name])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{name} is no number: {given.get(name)!r}") from None
    if not least <= value <= most:
        raise ValueError(f"{name} is {value:g}: it may be {least:g} to {most:g}")
    return value


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = _number(given, name, least, most)
    if value != int(value):
        raise ValueError(f"{name} is {value:g}: it must be a whole number")
    return int(value)


@dataclass(frozen=True)
class Found:
    """How one target stood when the run began."""

    standing: Standing
    days: float | None = None
    overdue: bool = False
    """Longer not rotated than its class allows, for whatever reason."""
    why: str = ""
    kind: str = ""
    people: str = ""
    """What people still have to do there, whatever becomes of it in this run."""


@dataclass(frozen=True)
class Plan:
    """What a run found, and what it means to do. No credential is in it."""

    run: str
    began: float
    settings: Settings
    targets: Mapping[str, Found]
    waves: Sequence[Sequence[str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For a file."""
        return {
            "run": self.run,
            "began": self.began,
            "settings": asdict(self.settings),
            "targets": {name: asdict(one) for name, one in self.targets.items()},
            "waves": [list(wave) for wave in self.waves],
        }

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Plan":
        """From a file."""
        targets = {name: Found(**one | {"standing": Standing(one["standing"])}) for name, one in raw["targets"].items()}
        return cls(raw["run"], raw["began"], Settings(**raw["settings"]), targets, raw["waves"])

    @property
    def to_do(self) -> list[str]:
        """Every target that has a turn, in order."""
        return [target for wave in self.waves for target in wave]


def folder(run: str) -> str:
    """Of all that a run writes down."""
    return f"runs/{run}/"


def plan_key(run: str) -> str:
    """Written once, before anything is rotated."""
    return f"{folder(run)}plan.json"


def wave_key(run: str, wave: int) -> str:
    """The lanes of a wave, as the Distributed Map reads them."""
    return f"{folder(run)}waves/{wave}.json"


def report_key(run: str) -> str:
    """Written at the end."""
    return f"{folder(run)}report.json"


def outcomes_folder(run: str) -> str:
    """One object for each target whose turn has ended."""
    return f"{folder(run)}outcomes/"


def outcome_key(run: str, target: str, outcome: Outcome) -> str:
    """The key says it all: who only counts lists, and reads nothing."""
    return f"{outcomes_folder(run)}{target}/{outcome.replace(' ', '-')}.json"


def outcomes_in(run: str, keys: Iterable[str]) -> dict[str, Outcome]:
    """By target. A function that was killed and asked again may have left two: the first of the enum's order is the newer truth,
    since a target that was slow or failed may yet have flipped, and never the other way round."""
    order = list(Outcome)
    found: dict[str, Outcome] = {}
    for key in keys:
        target, _, name = key.removeprefix(outcomes_folder(run)).partition("/")
        outcome = Outcome(name.removesuffix(".json").replace("-", " "))
        if target not in found or order.index(outcome) < order.index(found[target]):
            found[target] = outcome
    return found


def lanes_of(lanes: Iterable[Iterable[Item]]) -> list[dict[str, Any]]:
    """As a wave's file has them."""
    return [
        {"targets": [{"target": item.target, "record": item.record, "current": item.current} for item in lane]} for lane in lanes
    ]


def execution_name(run: str, target: str) -> str:
    """Of a target's rotation. It follows from the run: asked for twice, it is started once, and a target that failed is not tried
    again by the same run."""
    name = f"fleet-{run}-{target}"
    if len(name) > NAME_LENGTH:
        name = f"{name[: NAME_LENGTH - _DIGEST - 1]}-{sha256(name.encode()).hexdigest()[:_DIGEST]}"
    return name


def started_by(run: str) -> str:
    """What a rotation says of who started it."""
    return f"{BY_FLEET}{run}"


@dataclass(frozen=True)
class Turn:
    """A target in a run, for people."""

    target: str
    standing: Standing
    wave: int | None
    outcome: Outcome | None
    """None: its turn has not come, or not ended."""
    why: str = ""
    days: float | None = None
    overdue: bool = False
    people: str = ""
    """What people still have to do there."""

    @property
    def said(self) -> str:
        """All that there is to say of it."""
        return "; ".join(one for one in (self.why, self.people) if one)


def turns(plan: Plan, outcomes: Mapping[str, Outcome], whys: Mapping[str, str], *, through: int | None) -> Iterator[Turn]:
    """All targets. `through`: the last wave that has ended; of those in it that said nothing, nothing will be said. None: the run
    goes on, and whoever has said nothing may yet."""
    waves = {target: number for number, wave in enumerate(plan.waves) for target in wave}
    for name, found in plan.targets.items():
        wave = waves.get(name)
        ended = through is not None and wave is not None and wave <= through
        outcome = outcome_of(name, outcomes) if ended else outcomes.get(name)
        yield Turn(name, found.standing, wave, outcome, whys.get(name) or found.why, found.days, found.overdue, found.people)


def is_to_be_rotated(found: Found) -> bool:
    """Whether a run has a turn for it."""
    return found.standing in ROTATED
