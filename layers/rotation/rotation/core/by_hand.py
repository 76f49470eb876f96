"""Keys that a person makes and revokes, because their provider has no call for it. Pure.

The record has two entries: the key in use, and `next`, which is empty until a person hands a key in. A key leaves the entries in
one way only: it becomes a reminder (`Outstanding`), and stays one until it is known to be revoked. The key in use becomes one with
the intent that leaves it, before its entry is emptied: so the flip makes both true at once, and a rollback neither. So every key
that was handed in and may still be accepted is in what is current, and what was in use before is never taken for a new one.

A reminder has a date once a retirement has seen that nothing uses the key any more. Before that people are not told: a run that a
hand-in has stopped half way may have left the application on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from rotation.core.errors import KeyKnown
from rotation.core.model import Password
from rotation.core.record import Outstanding, Withdrawn

if TYPE_CHECKING:
    from rotation.core.model import Slot
    from rotation.core.record import Record

MOST_WITHDRAWN = 50
"""So many are known again; a secret holds 64 KiB."""


def digest(key: Password) -> str:
    """By which a key is known again that is not kept."""
    return sha256(key.reveal().encode()).hexdigest()


def reminded(record: Record, before: Iterable[Record], leaves: Slot | None = None) -> Record:
    """The same, with every key that was recorded before and is in no entry any more, and the one that is left with this rotation,
    noted as one to be revoked; not the one in use. Nobody is told yet: something may still hold it."""
    in_use, kept = record.credential(record.active).password, {record.credential(slot).password for slot in record.ring}
    gone = {digest(one.key): one for one in record.outstanding if one.key != in_use}
    for one in before:
        left = [*one.outstanding, *(Outstanding(one.credential(slot).password, "", one.key_id(slot)) for slot in one.ring)]
        leaving = one.credential(leaves).password if leaves else None
        for each in left:
            is_left = each.key == leaving and each.key != in_use
            if not each.key.is_empty and (is_left or each.key not in kept) and not is_withdrawn(record, each.key):
                gone.setdefault(digest(each.key), each)
    return record.with_outstanding(tuple(gone.values()))


def retired(record: Record, slot: Slot, day: str) -> Record:
    """With that slot's entry empty: nothing holds its key any more, nor any other that is in no entry, so people are told."""
    emptied = reminded(record.with_handed_in(slot, Password("")), [record])
    kept = {emptied.credential(slot).password for slot in emptied.ring}
    told = (one if one.since or one.key in kept else one._replace(since=day) for one in emptied.outstanding)
    return emptied.with_outstanding(tuple(told))


def to_revoke(record: Record) -> tuple[Outstanding, ...]:
    """What people are told of: a rotation has seen that nothing uses it any more."""
    kept = {record.credential(slot).password for slot in record.ring}
    return tuple(one for one in record.outstanding if one.since and one.key not in kept)


def to_be_revoked(target: str, key_id: str, since: str) -> tuple[str, str]:
    """What people are asked for, and the command with which they answer."""
    what = f"revoke its old key {key_id or '(no id)'} where it was made, unused since {since}; then"
    return what, f"rotation withdrawn {target}{f' --id {key_id}' if key_id else ''}"


def asked_of_people(target: str, record: Record) -> str:
    """All of it, as one text."""
    return "; ".join(" ".join(to_be_revoked(target, one.id, one.since)) for one in to_revoke(record))


def was_in_use(record: Record, key: Password) -> bool:
    """Whether it is one that was left, and so no new one."""
    return key in {one.key for one in record.outstanding}


def is_withdrawn(record: Record, key: Password) -> bool:
    """Whether it is known to be revoked."""
    return digest(key) in {one.digest for one in record.withdrawn}


def handed_in(record: Record, key: Password, key_id: str, *, replace: bool) -> Record:
    """With that key as the next one. KeyKnown where the record has it already, or a next one that nobody asked to replace."""
    standby = record.after(record.active)
    waiting = record.credential(standby).password
    if key == record.credential(record.active).password:
        raise KeyKnown("this is the key in use: make a new one at the provider, and hand that in")
    if key == waiting:
        raise KeyKnown("this key was handed in already, and is the next one: `rotation start` moves to it")
    if was_in_use(record, key):
        raise KeyKnown("this key was in use before, and has to be revoked: make a new one at the provider, and hand that in")
    if is_withdrawn(record, key):
        raise KeyKnown("this key was in use before, and was revoked: make a new one at the provider, and hand that in")
    if not (waiting.is_empty or replace):
        raise KeyKnown(
            "a key was handed in already that no run has gone to yet: `rotation start` goes to it; with --replace this one takes"
            " its place, and that one is to be revoked"
        )
    return reminded(record.with_handed_in(standby, key, key_id), [record])


def withdrawn(record: Record, keys: Iterable[tuple[Outstanding, str]], day: str, by: str) -> Record:
    """Without the reminders of these, each with how it is known that it is revoked."""
    done = {digest(one.key): Withdrawn(digest(one.key), one.id, day, by, how) for one, how in keys}
    left = [one for one in record.outstanding if digest(one.key) not in done]
    return record.with_outstanding(left).with_withdrawn([*record.withdrawn, *done.values()][-MOST_WITHDRAWN:])
