"""The rules of keys that a person makes and revokes, left out."""

from typing import Any

from rotation.core.model import Password
from rotation.core.record import Record

from tests.faults.teeth.mutation import Mutation, replaced, several

ROTATES, WAITS, BESIDE = ("by hand",), ("by hand, none handed in",), ("by hand, another key beside the run",)
_SURVEY = "rotation.protocol.survey"


def makes_one_up(_: Any) -> Password:
    return Password("canary-that-nobody-issued")


def whatever_was_there(logins: Any, slot: Any, found: Any, recorded: Any, previous: Any) -> Any:
    """Also what an emptied entry held before."""
    from rotation.protocol.survey import _candidates

    return logins.accepted(one for one in _candidates(slot, found, recorded, previous) if not one.password.is_empty)


def of_before(recorded: list[Record], _: Any) -> list[Record]:
    return recorded


def emptied_alone(record: Record, slot: Any, _: str) -> Record:
    return record.with_handed_in(slot, Password(""))


def whatever_is_noted(record: Record) -> Any:
    kept = {record.credential(slot).password for slot in record.ring}
    return tuple(one for one in record.outstanding if one.key not in kept)


def as_it_is(record: Record, *_: Any) -> Record:
    return record


def any_key(*_: Any) -> None: ...


BY_HAND = [
    Mutation(
        "by hand: a key is made up for the entry of the old one",
        replaced("rotation.kinds.target.Source.make", makes_one_up),
        ROTATES,
    ),
    Mutation(
        "by hand: what an emptied entry held before is taken for a new key",
        several(
            replaced(f"{_SURVEY}._accepted", whatever_was_there),
            replaced(f"{_SURVEY}._nothing", lambda: iter([_before()])),
            replaced("rotation.core.by_hand.was_in_use", lambda *_: False),
        ),
        ROTATES,
    ),
    Mutation("by hand: nobody is told to revoke the old key", replaced("rotation.core.by_hand.retired", emptied_alone), ROTATES),
    Mutation(
        "by hand: people are told while something may still use it",
        replaced("tests.worlds.by_hand.to_revoke", whatever_is_noted),
        BESIDE,
    ),
    Mutation(
        "by hand: the run goes to an entry without a key",
        several(
            replaced("rotation.core.situation._need_key", any_key),
            replaced("rotation.core.record.Record.check", any_key),
        ),
        WAITS,
    ),
    Mutation("by hand: what a claim drops is forgotten", replaced("rotation.core.by_hand.reminded", as_it_is), BESIDE),
    Mutation("by hand: an intent that was overtaken has its say", replaced(f"{_SURVEY}._handed_in", of_before), BESIDE),
]


def _before() -> Record:
    """The record of before the flip, as AWSPREVIOUS would have it."""
    from tests.worlds.by_hand import ByHandWorld

    return ByHandWorld().current
