"""A target document: one application whose credentials we rotate. Checked against target.schema.json, defaults filled in."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import fastjsonschema

from rotation.core.classes import CLASSES, RotationClass
from rotation.core.errors import TargetInvalid
from rotation.core.model import Password
from rotation.kinds import registry
from rotation.kinds.kind import ConsumerKind, Holds, SourceKind

PATIENCE_SECONDS, DAY = 900, 86_400
TRAFFIC: dict[str, Any] = {
    "traffic": {
        "description": "Whether to change it moves the application's traffic; else the first that holds a credential does",
        "type": "boolean",
    }
}


@dataclass(frozen=True)
class Consumer:
    """One entry of the target's list."""

    kind: str
    settings: dict[str, Any]
    traffic: bool = False
    """Whether to change it is to move the application's traffic."""

    @property
    def known(self) -> ConsumerKind:
        """What is known of its kind."""
        return registry.consumer(self.kind)

    @property
    def holds_credential(self) -> bool:
        """Whether the application reads the credential from it."""
        return self.known.holds is Holds.ACTIVE

    @property
    def forgets(self) -> bool:
        """Whether copies of a withdrawn login are left in it that are to be destroyed."""
        return bool(self.known.forgets and self.settings[self.known.forgets])


@dataclass(frozen=True)
class Source:
    """Where the credentials are made."""

    kind: str
    settings: dict[str, Any]

    @property
    def known(self) -> SourceKind:
        """What is known of its kind."""
        return registry.source(self.kind)

    def make(self) -> Password:
        """A new secret for one of its users."""
        return self.known.makes(self.settings)


class HealthSettings(NamedTuple):
    """How the application shows that it works."""

    url: str
    status: int
    marker: str
    timeout_seconds: float
    ca: str


class EndpointSettings(NamedTuple):
    """Where the application logs in, if that is not the database itself."""

    host: str
    port: int
    ca: str
    deadline_seconds: int
    """How long it may go on refusing a password that the database accepts."""


@dataclass(frozen=True)
class Target:
    """The whole document."""

    name: str
    slot_secret: str
    admin_secret: str
    """Empty where the source needs none."""
    rotates_admin: bool
    """Whether the admin's secret is ours to write; else another target's, and only read."""
    source: Source
    consumers: tuple[Consumer, ...]
    health: HealthSettings | None
    endpoint: EndpointSettings | None
    rotation_class: RotationClass
    overlap_seconds: int
    """The document's own, else its class's; at least as long as the application may go on with what it has read."""
    cache_seconds: int
    """How long the application may go on with a credential that it has read."""
    quiet_seconds: int
    drain_deadline_seconds: int
    outlives_seconds: int
    """For how long what was made with the old credential is good once the last one that uses it has stopped."""
    rollout_deadline_seconds: int

    @property
    def longest_drain_seconds(self) -> int:
        """The drain's deadline, which does not count that what was made with the old credential has to be over."""
        return self.drain_deadline_seconds + max(0, self.outlives_seconds - self.quiet_seconds)

    @property
    def settles_seconds(self) -> int:
        """For how long, at most, somebody who is shown a credential may not know what the source has."""
        return self.source.known.settles(self.source.settings)

    @property
    def known_deadline_seconds(self) -> int:
        """How long it may take until everybody knows: somebody may change it meanwhile, and that begins anew."""
        return 2 * self.settles_seconds + PATIENCE_SECONDS

    @property
    def settle_deadline_seconds(self) -> int:
        """How long the endpoint may take to accept what was published."""
        return self.endpoint.deadline_seconds if self.endpoint else 0

    @property
    def moved_by(self) -> Consumer:
        """The consumer that moves the traffic."""
        return next(one for one in self.consumers if one.traffic)

    @property
    def taken_at_start(self) -> tuple[int, ...]:
        """The places of the consumers that pods take their credential from when they start, and go on with. Where a file moves the
        traffic they read that one for each request."""
        if self.moved_by.known.is_file:
            return ()
        return tuple(place for place, one in enumerate(self.consumers) if one.known.in_cluster and one.holds_credential)

    @property
    def rotated_secret(self) -> str | None:
        """ARN of the secret that Secrets Manager may rotate itself; None where something else moves the traffic."""
        return self.moved_by.settings[self.moved_by.known.rotated] if self.moved_by.known.rotated else None

    @property
    def holding(self) -> list[Consumer]:
        """The consumers that hold a credential; the one that moves the traffic comes first."""
        return sorted((one for one in self.consumers if one.holds_credential), key=lambda one: not one.traffic)


def parse_target(name: str, text: str) -> Target:
    """The document as a Target, or TargetInvalid naming the field."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise TargetInvalid(f"{name}: the target document is not JSON: {error}") from None
    try:
        document = _validate(_named(raw, "source"), _named(raw, "consumers"))(raw)
    except fastjsonschema.JsonSchemaValueException as error:
        raise TargetInvalid(f"{name}: the target document is wrong: {_explain(error)}") from None
    try:
        return _build(name, document)
    except ValueError as error:
        raise TargetInvalid(f"{name}: the target document is wrong: {error}") from None


def _named(raw: Any, field: str) -> tuple[str, ...]:
    """The kinds that the document names there, as far as they are known: only those are imported."""
    found = raw.get(field) if isinstance(raw, dict) else None
    entries = found if isinstance(found, list) else [found]
    known = registry.SOURCES if field == "source" else registry.CONSUMERS
    kinds = {entry.get("kind") for entry in entries if isinstance(entry, dict)}
    return tuple(kind for kind in known if kind in kinds)


@cache
def _validate(sources: tuple[str, ...], consumers: tuple[str, ...]) -> Any:
    schema = json.loads(resources.files("rotation.kinds").joinpath("target.schema.json").read_text())
    of = schema["properties"]
    of["source"] |= _one_of(registry.SOURCES, {kind: _fields(registry.source(kind)) for kind in sources})
    listed = {kind: _fields(registry.consumer(kind), **TRAFFIC) for kind in consumers}
    of["consumers"]["items"] |= _one_of(registry.CONSUMERS, listed)
    return fastjsonschema.compile(schema)


def _fields(kind: ConsumerKind | SourceKind, **common: Any) -> dict[str, Any]:
    properties = {"kind": True, **common, **kind.properties}
    return {"additionalProperties": False, "required": ["kind", *kind.required], "properties": properties}


def _one_of(known: Iterable[str], fields: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The kind is a known one, and the other fields are those of that kind."""
    chain: dict[str, Any] = {}
    for kind, schema in fields.items():
        chain = {"if": {"properties": {"kind": {"const": kind}}}, "then": schema, "else": chain}
    return {"properties": {"kind": {"enum": list(known)}}, **chain}


def _explain(error: fastjsonschema.JsonSchemaValueException) -> str:
    """fastjsonschema's sentence with the root called by what it is."""
    return str(error.message).replace("data.", "", 1).replace("data ", "the document ", 1)


def _build(name: str, document: dict[str, Any]) -> Target:
    source = _source(document["source"])
    _check_proof(source.known, document)
    _check_admin(source, document)
    _refuse_shared(document)
    rotation_class = CLASSES[document["class"]]
    consumers = _consumers(document["consumers"])
    _check_says_user(source, consumers)
    cached = max((int(one.settings.get(one.known.goes_on, 0)) for one in consumers), default=0)
    overlap_seconds = max(cached, document.get("overlap_seconds", rotation_class.overlap_seconds))
    _check_lasts(source, rotation_class, overlap_seconds)
    return Target(
        name=name,
        slot_secret=document["slot_secret"],
        admin_secret=document.get("admin_secret", ""),
        rotates_admin=document.get("rotates_admin", source.known.needs_admin and not source.known.issues_keys),
        source=source,
        consumers=consumers,
        health=HealthSettings(**document["health"]) if "health" in document else None,
        endpoint=EndpointSettings(**document["endpoint"]) if "endpoint" in document else None,
        rotation_class=rotation_class,
        overlap_seconds=overlap_seconds,
        cache_seconds=cached,
        quiet_seconds=document["drain"]["quiet_seconds"],
        drain_deadline_seconds=document["drain"]["deadline_seconds"],
        outlives_seconds=source.known.outlives(source.settings),
        rollout_deadline_seconds=document["rollout"]["deadline_seconds"],
    )


def _check_lasts(source: Source, every: RotationClass, overlap_seconds: int) -> None:
    """What ends by itself is to outlast the next rotation, also one that had to be started again, and its overlap."""
    setting, lasts = source.known.lasts(source.settings)
    needed = every.overdue_days * DAY + overlap_seconds
    if setting and lasts < needed:
        raise ValueError(
            f"source.{setting}: what lasts {lasts // DAY} days would end before the rotation after it: class {every.name} takes up"
            f" to {every.overdue_days} days and the overlap {overlap_seconds} s: let it last {-(-needed // DAY)} days at least"
        )


def _check_says_user(source: Source, consumers: Sequence[Consumer]) -> None:
    for place, one in enumerate(consumers):
        if not (source.known.writes_key_alone or one.known.says_user(one.settings)):
            named = ", ".join(one.settings["keys"])
            raise ValueError(
                f"consumers[{place}].keys: no template of {named} writes {{username}}. One has to: it says whose credential this is"
            )


def _check_proof(known: SourceKind, document: Mapping[str, Any]) -> None:
    """Of a key ValidateApp's own try at the provider is what the application does with it."""
    if known.issues_keys and "endpoint" in document:
        raise ValueError("endpoint: nobody logs in through another place with a key; leave it out")
    if not (known.issues_keys or {"health", "endpoint"} & document.keys()):
        raise ValueError("health is missing, and so is endpoint: one of them has to show that the application's login works")


def _check_admin(source: Source, document: Mapping[str, Any]) -> None:
    if source.known.needs_admin and "admin_secret" not in document:
        raise ValueError("the document must contain admin_secret")
    if not source.known.needs_admin and "admin_secret" in document:
        raise ValueError(f"admin_secret: a source of kind {source.kind} needs none: the functions' roles do; leave it out")
    if source.known.issues_keys and document.get("rotates_admin"):
        raise ValueError("rotates_admin: who may issue keys is not rotated with them; leave it out")


def _refuse_shared(document: Mapping[str, Any]) -> None:
    """One secret has one reader: what is written for one would be wrong for another."""
    named: dict[str, str] = {}
    shared = set(_shared(document))
    for field, arn in secrets_named(document):
        first = named.setdefault(arn, field)
        if first != field and not {first, field} <= shared:
            raise ValueError(f"{field}: {arn} is the {first} already: name a secret of its own")


def _shared(document: Mapping[str, Any]) -> Iterator[str]:
    """Fields whose secret is only read, and by several."""
    for place, consumer in enumerate(document["consumers"]):
        yield from (f"consumers[{place}].{key}" for key in registry.consumer(consumer["kind"]).shares)


def secrets_named(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every secret of Secrets Manager that the document names, by its field."""
    yield from ((field, document[field]) for field in ("slot_secret", "admin_secret") if field in document)
    for place, consumer in enumerate(document["consumers"]):
        for key, value in consumer.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and one.startswith("arn:") and ":secretsmanager:" in one:
                    yield f"consumers[{place}].{key}", one


def _settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in ("kind", *TRAFFIC)}


def _source(raw: Mapping[str, Any]) -> Source:
    source = Source(raw["kind"], _settings(raw))
    try:
        source.known.check(source.settings)
    except TargetInvalid as error:
        raise ValueError(f"source.{error}") from None
    return source


def _consumers(raw: Sequence[Mapping[str, Any]]) -> tuple[Consumer, ...]:
    """Exactly one moves the traffic: the one that says so, else the first that holds a credential."""
    found = [_checked(place, Consumer(one["kind"], _settings(one), one.get("traffic", False))) for place, one in enumerate(raw)]
    said = [place for place, one in enumerate(found) if one.traffic]
    holding = [place for place, one in enumerate(found) if one.holds_credential]
    if len(said) > 1:
        raise ValueError(f"consumers[{said[1]}].traffic: consumers[{said[0]}] moves the traffic already; leave it at one")
    place = (said or holding or [0])[0]
    if not (found[place].holds_credential and found[place].known.validated):
        raise ValueError(_not_read_back(place if holding else None))
    late = [number for number, one in enumerate(found) if one.known.holds is Holds.EVERY and number > place]
    if late:
        raise ValueError(
            f"consumers[{late[0]}]: it keeps every user's password: put it before consumers[{place}], which moves the traffic"
        )
    _check_copies(found, place)
    return (*found[:place], replace(found[place], traffic=True), *found[place + 1 :])


def _check_copies(found: Sequence[Consumer], place: int) -> None:
    """What holds copies of a version has to know of which secret, and is told before that secret moves."""
    for number, one in enumerate(found):
        if not one.known.holds.follows:
            continue
        if not found[place].known.rotated:
            raise ValueError(
                f"consumers[{number}]: a {one.kind} holds what the secret says that moves the traffic, and consumers[{place}] is"
                f" none: add one of kind {kinds_with(lambda known: known.rotated)}"
            )
        try:
            one.known.copied(found[place].settings)
        except TargetInvalid as error:
            raise ValueError(f"consumers[{place}].{error}") from None
        if number > place:
            raise ValueError(f"consumers[{number}]: put it before consumers[{place}], whose version it is told to hold")
        try:
            one.known.beside(one.settings, [before.settings for before in found[:number]])
        except TargetInvalid as error:
            raise ValueError(f"consumers[{number}].{error}") from None


def _checked(place: int, consumer: Consumer) -> Consumer:
    try:
        consumer.known.check(consumer.settings)
    except TargetInvalid as error:
        raise ValueError(f"consumers[{place}].{error}") from None
    return consumer


def kinds_with(trait: Callable[[ConsumerKind], object]) -> str:
    """Those consumers' kinds, for a message."""
    return " or ".join(kind for kind in registry.CONSUMERS if trait(registry.consumer(kind)))


def _not_read_back(place: int | None) -> str:
    field = "consumers" if place is None else f"consumers[{place}]"
    kinds = kinds_with(lambda known: known.validated)
    return (
        f"{field}: what moves the traffic must be of kind {kinds}, since ValidateApp reads back what the application uses and can"
        f" read no other kind. Put one of these first, or mark it with traffic: true"
    )
