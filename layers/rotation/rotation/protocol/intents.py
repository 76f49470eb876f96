"""The lock and the write-ahead log: intents under AWSPENDING, moved by compare-and-swap and confirmed by looking."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from rotation.core.errors import RotationSuperseded, SituationChanged
from rotation.core.model import PENDING, Direction, Labels
from rotation.core.record import Document, Record
from rotation.ports import SecretStore

D = TypeVar("D", bound=Document)

_NAMESPACE = uuid.UUID("6f1f6a3e-3c7e-5b52-9d0c-5e6a1f0f7c11")

ATTEMPTS = 3
"""How many passwords are offered before a password policy is taken to refuse them all."""


def version_id(secret: str, made_from: str, owner: str, step: str, attempt: int | str = 0) -> str:
    """The same act of the same execution always writes the same version; `made_from`, because execution names come back.
    `attempt`: which password it offers, or whose intent it adopts."""
    return str(uuid.uuid5(_NAMESPACE, "|".join((secret, made_from, owner, step, str(attempt)))))


def read_record(store: SecretStore, version: str) -> Record:
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


def confirm(store: SecretStore, version: str, direction: Direction = Direction.FORWARD) -> tuple[Record, Labels]:
    """The fence before every act: the intent is still ours and, going forward, nobody made another version current."""
    labels = store.labels()
    if labels.pending != version:
        raise RotationSuperseded(f"{store.name}: AWSPENDING is no longer on version {version}")
    record = read_record(store, version)
    if direction is not Direction.RESTORE and not _still_ours(store, record, version, labels.current):
        raise RotationSuperseded(f"{store.name}: another version became current while this run was at work")
    return record, labels


def _still_ours(store: SecretStore, record: Record, version: str, current: str) -> bool:
    made_from = record.tag.made_from if record.tag else None
    return current in (version, made_from) or record.same_content(read_record(store, current))
