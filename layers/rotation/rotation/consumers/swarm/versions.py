"""The versions of a Swarm secret: `NAME_v7`. A Swarm secret can neither be changed nor read back, so each login is a secret of its
own, and labels say what it is of: the target, and the version of the application's secret whose login it holds. Pure.

Nothing is remembered: the next number is found by looking, and a name that exists with our labels is ours. No label says anything
that a password could be told by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotation.core.errors import SwarmValueTooLarge, TargetInvalid

TARGET, SOURCE = "credential-rotation.target", "credential-rotation.source"
SECRET, VERSION = "credential-rotation.secret", "credential-rotation.version"
NAME = "^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$"
"""As the engine takes a name."""
LONGEST_NAME = 64
LARGEST_VALUE = 500 * 1024 - 1
"""In bytes: the engine takes less than 500 kB."""
DIGITS = 5
"""Room for as many numbers as daily rotations make in centuries."""
LONGEST_BASE = LONGEST_NAME - len("_v") - DIGITS


@dataclass(frozen=True)
class Stored:
    """A secret in the Swarm: what can be known of it."""

    id: str
    name: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Stored:
        """As the engine lists it."""
        spec = found["Spec"]
        return cls(found["ID"], spec["Name"], spec.get("Labels") or {})


def own(target: str, source: str) -> dict[str, str]:
    """What all that is ours carries. `source`: the ARN of the application's secret, since two stacks on one Swarm may each have a
    target of that name."""
    return {TARGET: target, SOURCE: source}


def check_base(base: str) -> None:
    """TargetInvalid where no version could be called after it."""
    if not re.fullmatch(NAME, base):
        raise TargetInvalid(
            f"{base} is no name of a Swarm secret: letters, digits, . _ and -, the first and last a letter or digit"
        )
    if len(base) > LONGEST_BASE:
        raise TargetInvalid(
            f"{base} has {len(base)} characters: with a number they are more than {LONGEST_NAME}. Take {LONGEST_BASE} at most"
        )


def check_value(base: str, value: bytes) -> None:
    """SwarmValueTooLarge where the engine would not take it."""
    if len(value) > LARGEST_VALUE:
        raise SwarmValueTooLarge(f"{base}: its value has {len(value)} bytes; a Swarm secret holds {LARGEST_VALUE} at most")


def is_of(base: str, name: str) -> bool:
    """Whether that is what the secret, or a version of it, is called."""
    return name == base or _number(base, name) is not None


def next_name(base: str, names: Iterable[str]) -> str:
    """The number after the highest that is there."""
    found = max((_number(base, name) or 0 for name in names), default=0)
    called = f"{base}_v{found + 1}"
    if len(called) > LONGEST_NAME:
        raise TargetInvalid(f"{called} has more than {LONGEST_NAME} characters, which the engine takes: remove {base}_v{found}")
    return called


def find(stored: Sequence[Stored], mine: Mapping[str, str], base: str, version: str) -> Stored | None:
    """Ours, with that login. Where a call that was repeated made two, it is always the same one: the first."""
    found = [one for one in _ours(stored, mine, base) if one.labels.get(VERSION) == version]
    return min(found, key=lambda one: (_number(base, one.name) or 0, one.name), default=None)


def superseded(stored: Sequence[Stored], mine: Mapping[str, str], base: str, version: str) -> list[Stored]:
    """Ours, with another login, or a second one with this; none where this one is not there. What does not carry our labels
    somebody else made, and it stays."""
    kept = find(stored, mine, base, version)
    return [one for one in _ours(stored, mine, base) if one != kept] if kept else []


def _ours(stored: Sequence[Stored], mine: Mapping[str, str], base: str) -> list[Stored]:
    wanted = {**mine, SECRET: base}.items()
    return [one for one in stored if wanted <= one.labels.items()]


def _number(base: str, name: str) -> int | None:
    found = re.fullmatch(rf"{re.escape(base)}_v([0-9]{{1,{LONGEST_NAME}}})", name)
    return int(found[1]) if found else None
