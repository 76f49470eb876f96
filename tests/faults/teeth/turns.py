"""The rules of longer rings and of two passwords of one user, left out."""

from typing import Any
from unittest.mock import patch

from rotation.core.model import RotationStep, RotationTag
from rotation.core.record import Record
from rotation.protocol import intents
from rotation.steps import sync_users as syncing

from tests.faults.teeth.mutation import STEPS, Mutation, in_the_machine, replaced
from tests.faults.teeth.passwords import discard_without_a_fence

RING = ("a ring of three", "an interrupted retirement in a ring of three")
VALUES = ("two values of one user", "an interrupted flip between two values", "an undiscarded value")


def second_value(world: Any, session: Any, record: Any, *, retain: bool = True, looks: bool = True) -> Any:
    new, in_use = record.credential(record.active), record.credential(record.leaves)
    made = session.needs_retain(new.username, in_use.password, new.password) if looks else True
    if made:
        session.set_password(new.username, new.password, retain=retain)
    world.source.logs_in(new)
    return []


def without_retain(*given: Any) -> Any:
    return second_value(*given, retain=False)


def without_a_look(*given: Any) -> Any:
    return second_value(*given, looks=False)


def without_a_fence(world: Any, request: Any) -> Any:
    """It was looked at when the call began, and then it waited for the lock."""
    seen = intents.confirm_forward(world.slots, request.claim.version)
    with patch.object(syncing, "confirm_forward", lambda *_: seen):
        return _sync_users(world, request)


_sync_users = syncing.sync_users


def discard_without_a_look(world: Any, session: Any, in_use: Any, _: Any) -> None:
    if world.source.logs_in(in_use):
        session.discard_old_password(in_use.username, in_use.password)


def discards_nothing(*_: Any) -> None: ...


def records_the_old_value_again(base: Record, owner: str, current: str, *_: Any) -> Record:
    assert base.tag is not None
    return base.with_tag(RotationTag(base.tag.id, owner, RotationStep.RETIRE, current, base.tag.leaves))


def slot_by_its_user_alone(record: Record, credential: Any) -> Any:
    return next((slot for slot in record.ring if record.credential(slot).username == credential.username), None)


def one_round_less(states: dict[str, Any]) -> None:
    states["NextRound"]["Parameters"] = {"number.$": "States.MathAdd($.round.number, 2)"}


RECORDS = "rotation.core.record.Record"
SECOND, DISCARD = f"{STEPS}.sync_users._second_value", f"{STEPS}.discard_old_password._discard_value"

TURNS = [
    Mutation(
        "a ring: the slot that comes next is retired",
        replaced(f"{RECORDS}.leaves", property(lambda record: record.after(record.active))),
        RING,
    ),
    Mutation("a ring: a revocation goes round once less", in_the_machine(one_round_less), ("a revocation of a ring of three",)),
    Mutation("two values: set without RETAIN", replaced(SECOND, without_retain), VALUES),
    Mutation("two values: RETAIN without asking which is the primary", replaced(SECOND, without_a_look), VALUES),
    Mutation("two values: no fence before RETAIN", replaced(f"{STEPS}.sync_users.sync_users", without_a_fence), VALUES),
    Mutation("two values: DISCARD without asking which is the primary", replaced(DISCARD, discard_without_a_look), VALUES),
    Mutation(
        "two values: no fence before DISCARD",
        replaced(f"{STEPS}.discard_old_password.discard_old_password", discard_without_a_fence),
        VALUES,
    ),
    Mutation("two values: nothing is discarded", replaced(DISCARD, discards_nothing), VALUES),
    Mutation(
        "two values: the old one is recorded for the next time",
        replaced(f"{STEPS}.rotate_old_slot._retiring", records_the_old_value_again),
        VALUES,
    ),
    Mutation("two values: a slot is known by its user alone", replaced(f"{RECORDS}.slot_of", slot_by_its_user_alone), VALUES),
    Mutation("two values: taken for two users", replaced(f"{RECORDS}.two_values", property(lambda _: False)), VALUES),
]
