"""CloseFlip: the first step of every rollback. A FlipSlot that was reported as failed may still take effect later: make that
impossible, or find that it has taken effect, and go on forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import RotationSuperseded
from rotation.core.model import CURRENT, PENDING, PREVIOUS
from rotation.core.situation import Left, left_to_do
from rotation.protocol.intents import read_record, version_id

if TYPE_CHECKING:
    from rotation.core.record import Record
    from rotation.ports import World
    from rotation.protocol.request import Request


def close_flip(world: World, request: Request) -> dict[str, Any]:
    """Either `closed`, and which entry of the intent to publish again, or `landed`."""
    store, version = world.slots, request.claim.version
    labels = store.labels()
    if labels.pending != version:
        raise RotationSuperseded(f"{store.name}: {PENDING} is no longer on version {version}")
    record, current = read_record(store, version), read_record(store, labels.current)
    closed = version_id(store.name, record.tag.made_from if record.tag else "", request.owner, "close")
    if labels.current == closed:
        return _closed(record, current)
    left = left_to_do(record, version, current, labels.current)
    if left is Left.STALE:
        raise RotationSuperseded(f"{store.name}: another version became current while this run was at work")
    if left is not Left.PUBLISH:
        return {"outcome": "landed", "entry": str(record.active)}
    store.put_once(closed, _undone(record, current).text())
    if not store.swap(CURRENT, to=closed, removed_from=labels.current):
        return close_flip(world, request)  # it moved between the look and the swap: look again, it can only have landed
    return _closed(record, current)


def _undone(record: Record, current: Record) -> Record:
    """What was current, with the passwords that the intent knows: those are what the database may hold by now."""
    undone = record.with_active(current.active).with_previous(None)
    undone = undone.with_there(None) if undone.issued else undone
    return undone.with_tag(current.tag) if current.tag else undone.without_tag()


def _closed(record: Record, current: Record) -> dict[str, Any]:
    return {"outcome": "closed", "entry": PREVIOUS if record.previous else str(current.active)}
