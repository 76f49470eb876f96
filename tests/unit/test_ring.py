"""More than two users in turn: whose turn it is, which password a rotation retires, and what is refused."""

import json
from typing import Any

import pytest
from rotation.core.errors import NoFreeSlot, SecretInvalid
from rotation.core.model import Mode, RotationStep, RotationTag, SecretText, Slot
from rotation.core.record import Record

from tests.worlds.run import Run
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, LONGER, MemoryWorld, credential, fields, login

FLIP = RotationStep.FLIP


def record(active: str = "A", slots: tuple[Slot, ...] = LONGER, **changes: Any) -> Record:
    raw = {"active_slot": active, **{slot: fields(login(slot)) for slot in slots}, **changes}
    return Record.parse(SecretText(json.dumps(raw)), "slots")


def test_the_ring_is_every_slot_that_follows_without_a_gap() -> None:
    assert record().ring == LONGER
    assert record(slots=LONGER[:2]).ring == LONGER[:2]


def test_after_the_last_comes_the_first() -> None:
    assert [record().after(slot) for slot in LONGER] == [Slot.B, Slot.C, Slot.A]
    assert [record().before(slot) for slot in LONGER] == [Slot.C, Slot.A, Slot.B]


@pytest.mark.parametrize(
    ("why", "changes"),
    {
        "there is slot D, but none before it: name the slots A, B, C and so on, without a gap": {
            "C": None, "D": fields(login(Slot.C)),
        },
        "slots A and C name the same user: give each slot a user of its own": {"C": fields(login(Slot.A))},
        "C: field username is missing or empty": {"C": fields(login(Slot.C)) | {"username": ""}},
        "active_slot is neither A nor B nor C": {"active_slot": "D"},
    }.items(),
)  # fmt: skip
def test_a_ring_that_is_not_whole_is_refused(why: str, changes: dict[str, Any]) -> None:
    raw: dict[str, Any] = {"active_slot": "A", **{slot: fields(login(slot)) for slot in LONGER}, **changes}
    with pytest.raises(SecretInvalid) as caught:
        Record.parse(SecretText(json.dumps({key: value for key, value in raw.items() if value is not None})), "slots")
    assert str(caught.value) == f"secret slots: {why}"


@pytest.mark.parametrize(
    ("leaves", "means"), [(Slot.A, Slot.A), (Slot.B, Slot.B), (None, Slot.B), (Slot.C, Slot.B), (Slot.E, Slot.B)]
)
def test_the_slot_that_is_left_is_what_the_tag_says_if_that_can_be(leaves: Slot | None, means: Slot) -> None:
    """It is no other than the one before where the tag names none, the active one, or one that is gone."""
    tagged = record("C").with_tag(RotationTag("2026-01", "arn", FLIP, "v0", leaves))
    assert tagged.tag is not None
    assert tagged.leaves is means


def test_a_tag_of_two_slots_says_nothing_more_than_before() -> None:
    world = MemoryWorld()
    Run(world).to_end()
    assert set(json.loads(world.current.text().reveal())["rotation"]) == {"id", "owner", "step", "from"}


def test_the_password_that_is_retired_is_that_of_the_slot_that_was_left_whichever_comes_before_the_new_one() -> None:
    """A person has moved the application from A to C; C comes after B, and B was not in use."""
    world = MemoryWorld(ring=LONGER)
    world.application_uses(login(Slot.C))
    Run(world).to_end()
    assert world.current.active is Slot.C
    assert [world.accepts(login(slot)) for slot in LONGER] == [False, True, True]


def test_a_user_whose_turn_it_is_and_that_something_else_uses_is_refused_by_name() -> None:
    world = MemoryWorld(ring=LONGER)
    world.account(Slot.B).sessions = 2
    with pytest.raises(NoFreeSlot, match="openemr_b, but something else uses it \\(2 sessions\\)"):
        Run(world).read_slots()
    assert world.journal.writes == []


def test_of_two_users_there_is_no_other_turn_to_take() -> None:
    world = MemoryWorld()
    world.account(Slot.B).sessions = 2
    assert Run(world).read_slots()["slot"] == "B"


def test_a_consumer_of_ours_that_is_there_already_is_no_stranger() -> None:
    world = MemoryWorld(ring=LONGER)
    world.secret.holds(login(Slot.B))
    world.account(Slot.B).sessions = 1
    assert Run(world).read_slots()["slot"] == "B"


def test_three_rotations_later_no_password_is_what_it_was() -> None:
    world = MemoryWorld(ring=LONGER)
    for number in range(3):
        Run(world, f"run-{number}").to_end()
    assert world.current.active is Slot.A
    assert not [slot for slot in LONGER if world.accepts(login(slot))]
    assert all(world.accepts(world.current.credential(slot)) for slot in LONGER)


def test_a_revocation_of_three_users_has_three_rounds() -> None:
    world = MemoryWorld(ring=LONGER)
    run = Run(world, "revoke", Mode.REVOKE)
    assert run.read_slots()["rounds"] == 3
    for number in range(3):
        run = Run(world, "revoke", Mode.REVOKE)
        run.event["round"] = number + 1
        run.to_end()
    known = [*(login(slot) for slot in LONGER), credential(ADMIN, ADMIN_PASSWORD)]
    assert not [one.username for one in known if world.accepts(one)]
