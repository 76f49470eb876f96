"""The lock and the write-ahead log: intents under AWSPENDING, moved by compare-and-swap and confirmed by looking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rotation.core.errors import RotationSuperseded, SituationChanged
from rotation.core.model import CURRENT, PENDING, Direction, Version
from rotation.core.record import Document, Record

if TYPE_CHECKING:
    from rotation.ports import LabelledSecret, SecretStore

D = TypeVar("D", bound=Document)

_NAMESPACE = uuid.UUID("6f1f6a3e-3c7e-5b52-9d0c-5e6a1f0f7c11")

ATTEMPTS = 3
"""How many passwords are offered before a password policy is taken to refuse them all."""


def version_id(secret: str, made_from: str, owner: str, step: str, attempt: int | str = 0) -> str:
    """The same act of the same execution always writes the same version; `made_from`, because execution names come back.
    `attempt`: which password it offers, or whose intent it adopts."""
    return str(uuid.uuid5(_NAMESPACE, "|".join((secret, made_from, owner, step, str(attempt)))))


def read_record(store: LabelledSecret, version: str) -> Record:
    """The slot secret as that version has it."""
    return Record.parse(store.read(version), store.name)


def write_ahead(store: SecretStore, version: str, record: D, seen_pending: str | None) -> D:
    """Put, read back, then take AWSPENDING from exactly where it was seen. What is returned is what is stored."""
    stored = _put(store, version, record)
    take(store, version, seen_pending)
    return stored


def put_meant(store: SecretStore, versions: Iterable[str], record: D, means: Callable[[D], bool]) -> str:
    """Put and read back; the first of these versions that says what is meant. An earlier try of the same execution may have put
    something else under the first, and what is stored stays: then the next one is taken."""
    for version in versions:
        if means(_put(store, version, record)):
            return version
    raise SituationChanged(f"{store.name}: what is to be recorded changed again and again while this run was at work")


def _put(store: SecretStore, version: str, record: D) -> D:
    return type(record).parse(store.put_once(version, record.text()), store.name)


def take(store: SecretStore, version: str, seen_pending: str | None) -> None:
    """AWSPENDING, from exactly where it was seen."""
    if not store.swap(PENDING, to=version, removed_from=seen_pending):
        raise RotationSuperseded(f"{store.name}: AWSPENDING moved while this run was claiming it")


def offers(
    store: SecretStore, versions: Sequence[str], held: str | None, read: Callable[[str], D], make: Callable[[int], D]
) -> Iterator[tuple[str, D]]:
    """An intent per password offered to the database: the one held already first, the next only if that was rejected."""
    start = 0
    if held is not None and held in versions:
        start = versions.index(held) + 1
        yield held, read(held)
    for attempt in range(start, len(versions)):
        yield versions[attempt], write_ahead(store, versions[attempt], make(attempt), held)
        held = versions[attempt]


class Looked(NamedTuple):
    """Where the two labels are that the fence asks for."""

    pending: Version | None
    current: str


def look(store: SecretStore) -> Looked:
    """One call shows both once the intent itself is current; until then it takes a second."""
    pending = store.pending()
    return Looked(pending, pending.id if pending and CURRENT in pending.labels else store.current().id)


def confirm(store: SecretStore, version: str, direction: Direction = Direction.FORWARD) -> Record:
    """The fence before every act: the intent is still ours and, going forward, nobody made another version current."""
    if direction is Direction.RESTORE:
        return _held(store, store.pending(), version)
    return confirm_forward(store, version)[0]


def confirm_forward(store: SecretStore, version: str) -> tuple[Record, str]:
    """The same, and which version is current."""
    looked = look(store)
    return confirm_seen(store, looked, version), looked.current


def confirm_seen(store: SecretStore, looked: Looked, version: str) -> Record:
    """The same, by a look that was just taken."""
    record = _held(store, looked.pending, version)
    _need_ours(store, record, version, looked.current)
    return record


def confirm_again(store: SecretStore, version: str, record: Record) -> None:
    """The same once more, where the intent's text is known: one look at where the labels are now."""
    labels = store.labels()
    if labels.pending != version:
        raise _lost(store, version)
    _need_ours(store, record, version, labels.current)


def _held(store: SecretStore, pending: Version | None, version: str) -> Record:
    if pending is None or pending.id != version:
        raise _lost(store, version)
    return Record.parse(pending.text, store.name)


def _lost(store: SecretStore, version: str) -> RotationSuperseded:
    return RotationSuperseded(f"{store.name}: AWSPENDING is no longer on version {version}")


def _need_ours(store: SecretStore, record: Record, version: str, current: str) -> None:
    made_from = record.tag.made_from if record.tag else None
    if current not in (version, made_from) and not record.same_content(read_record(store, current)):
        raise RotationSuperseded(f"{store.name}: another version became current while this run was at work")
