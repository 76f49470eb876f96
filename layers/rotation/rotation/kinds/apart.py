"""What is one target's and can be no other's: its record, the users in it, the files and keys that it writes.

Two targets on one user would change its password in turn, and each break the other's application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rotation.core.record import Record
    from rotation.kinds.target import Target

Own: TypeAlias = tuple[str, str]
"""A field of the target, and in words what it names."""


def own(target: Target, record: Record | None = None) -> list[Own]:
    """All of it. Its users are known only with what its record holds."""
    return list(dict.fromkeys(_own(target, record)))


def clashes(owned: Mapping[str, Sequence[Own]]) -> dict[str, str]:
    """By target, whatever another one has too, with the way out. Who had it first no document says, so both are told."""
    holders: dict[str, list[str]] = {}
    for name, things in owned.items():
        for _, what in things:
            holders.setdefault(what, []).append(name)
    said = {name: [_clash(field, what, name, holders[what]) for field, what in things] for name, things in owned.items()}
    return {name: "; ".join(filter(None, found)) for name, found in said.items() if any(found)}


def _clash(field: str, what: str, name: str, holders: Sequence[str]) -> str:
    others = [one for one in holders if one != name]
    if not others:
        return ""
    way_out = "name another one, or take one of the two targets out (rotation targets remove)"
    return f"{field}: {what} is target {others[0]}'s too: {way_out}"


def _own(target: Target, record: Record | None) -> Iterator[Own]:
    yield "slot_secret", f"secret {target.slot_secret}"
    yield from ((f"source.{setting}", what) for setting, what in target.source.known.owns(target.source.settings))
    if record is not None and not record.issued and target.source.known.needs_admin:  # else nobody alters a user
        yield from _users(record)
    for place, consumer in enumerate(target.consumers):
        yield from ((f"consumers[{place}].{setting}", what) for setting, what in consumer.known.writes(consumer.settings))
        if consumer.traffic and target.rotated_secret:
            field = f"consumers[{place}].{consumer.known.rotated}"
            yield field, f"the rotation of {target.rotated_secret} by Secrets Manager"


def _users(record: Record) -> Iterator[Own]:
    for slot in record.ring:
        login = record.credential(slot)
        if not login.host:
            continue  # a key is nobody's user
        yield f"slot_secret, {slot}", f"user {login.username} of {login.host.lower()}:{login.port}"
