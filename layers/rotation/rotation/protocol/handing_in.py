"""What a person does to a record: hands a new key in, says that an old one is revoked. No intent is held while he is waited for;
what he says is put by compare-and-swap from exactly what was seen, and never beside an intent.

A run that claims between the last look and the swap finds another version current, and stops at its next act; the next one goes on
from both. A hand-in that comes after its flip has lost its compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rotation.core.errors import RotationAlreadyRunning, SecretStoreUnavailable, SituationChanged
from rotation.core.model import CURRENT
from rotation.protocol.intents import read_record, version_id

if TYPE_CHECKING:
    from rotation.core.record import Record
    from rotation.ports import LabelledSecret

Change = Callable[["Record"], "Record"]
TRIES = 3


def changed_by_person(store: LabelledSecret, change: Change, act: str) -> Record:
    """The record with that change, current. `act`: a name of its own, so that it is known again when it is asked for twice."""
    for _ in range(TRIES):
        staged = put_for_person(store, change, act)
        if staged is None:
            return read_record(store, store.labels().current)
        version, made_from = staged
        if swapped_for_person(store, version, made_from):
            return read_record(store, version)
    raise SituationChanged(f"{store.name}: somebody else changes it all the time: try again")


def put_for_person(store: LabelledSecret, change: Change, act: str) -> tuple[str, str] | None:
    """The version with that change, read back, and the one that it was made from. None where nothing is to be changed."""
    labels = store.labels()
    refuse_beside_intent(store, labels.pending)
    record = read_record(store, labels.current)
    after = change(record)
    if after.same_content(record):
        return None
    version = version_id(store.name, labels.current, act, "person")
    if store.put_once(version, after.text()) != after.text():
        raise SecretStoreUnavailable(f"{store.name}: what was put does not read back")
    return version, labels.current


def swapped_for_person(store: LabelledSecret, version: str, made_from: str) -> bool:
    """Whether it is current now."""
    refuse_beside_intent(store, store.labels().pending)
    return store.swap(CURRENT, to=version, removed_from=made_from)


def refuse_beside_intent(store: LabelledSecret, pending: str | None) -> None:
    """A run goes by what it has claimed: what is put beside it would be lost, or stop it."""
    if pending is not None:
        raise RotationAlreadyRunning(
            f"{store.name}: a rotation is under way, or was not finished (AWSPENDING is held): when it has ended, try again"
            " (`rotation status`; `rotation start --mode resume` finishes what was left)"
        )
