"""A target document: one application whose credentials we rotate. Checked against target.schema.json, defaults filled in."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import fastjsonschema

from rotation.core.classes import CLASSES, RotationClass
from rotation.core.errors import TargetInvalid

CREDENTIAL_KINDS = ("sqlconf", "secret")
"""Consumers that hold a credential; the others are workloads, which are restarted to pick it up."""


@dataclass(frozen=True)
class Consumer:
    """One entry of the target's list."""

    kind: str
    settings: dict[str, str]

    @property
    def holds_credential(self) -> bool:
        """Whether the application reads the credential from it."""
        return self.kind in CREDENTIAL_KINDS


@dataclass(frozen=True)
class HealthSettings:
    """How the application shows that it works."""

    url: str
    status: int
    marker: str
    timeout_seconds: float
    ca: str


@dataclass(frozen=True)
class Target:
    """The whole document."""

    name: str
    slot_secret: str
    admin_secret: str
    source_ca: str
    readers: tuple[str, ...]
    consumers: tuple[Consumer, ...]
    health: HealthSettings
    rotation_class: RotationClass
    overlap_seconds: int
    """The document's own, else its class's."""
    quiet_seconds: int
    drain_deadline_seconds: int
    rollout_deadline_seconds: int


def parse_target(name: str, text: str) -> Target:
    """The document as a Target, or TargetInvalid naming the field."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise TargetInvalid(f"{name}: the target document is not JSON: {error}") from None
    try:
        document = _validate()(raw)
    except fastjsonschema.JsonSchemaValueException as error:
        raise TargetInvalid(f"{name}: the target document is wrong: {_explain(error)}") from None
    return _build(name, document)


@cache
def _validate() -> Any:
    schema = json.loads(resources.files("rotation.core").joinpath("target.schema.json").read_text())
    return fastjsonschema.compile(schema)


def _explain(error: fastjsonschema.JsonSchemaValueException) -> str:
    """fastjsonschema's sentence with the root called by what it is."""
    return str(error.message).replace("data.", "", 1).replace("data ", "the document ", 1)


def _build(name: str, document: dict[str, Any]) -> Target:
    consumers = tuple(
        Consumer(raw["kind"], {key: value for key, value in raw.items() if key != "kind"}) for raw in document["consumers"]
    )
    rotation_class = CLASSES[document["class"]]
    return Target(
        name=name,
        slot_secret=document["slot_secret"],
        admin_secret=document["admin_secret"],
        source_ca=document["source"]["ca"],
        readers=tuple(document["source"]["readers"]),
        consumers=consumers,
        health=HealthSettings(**document["health"]),
        rotation_class=rotation_class,
        overlap_seconds=document.get("overlap_seconds", rotation_class.overlap_seconds),
        quiet_seconds=document["drain"]["quiet_seconds"],
        drain_deadline_seconds=document["drain"]["deadline_seconds"],
        rollout_deadline_seconds=document["rollout"]["deadline_seconds"],
    )
