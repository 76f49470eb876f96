"""Two passwords of one user: the next one is made beside the one in use, and nothing that may be in use is destroyed."""

import json
from typing import Any

import pytest
from rotation.core.errors import PrimaryUnknown, SecondaryUnknown, SecretInvalid
from rotation.core.model import Mode, Password, SecretText, Slot
from rotation.core.record import Record
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.release_rotation import release_rotation
from rotation.steps.sync_users import sync_users

from tests.worlds.run import Run
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, PASSWORDS, USERS, MemoryWorld, credential, fields, login

USER = USERS[Slot.A]
FIRST, SECOND = login(Slot.A), credential(USER, PASSWORDS[Slot.B])


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(two_values=True)


def roll_back(run: Run) -> None:
    """As after a validation that failed."""
    run.close_flip()
    run.publish()
    run.ask(release_rotation)


def test_a_rotation_goes_from_one_password_to_the_other_of_the_same_user(world: MemoryWorld) -> None:
    Run(world).to_end()
    assert world.current.active is Slot.B
    assert world.file.held.same_login(SECOND)
    assert [world.accepts(one) for one in (FIRST, SECOND)] == [False, True]
    assert world.account(Slot.A).old is None


def test_every_rotation_uses_a_password_that_nobody_had_before(world: MemoryWorld) -> None:
    used = []
    for number in range(4):
        used.append(world.file.held.password)
        Run(world, f"run-{number}").to_end()
    assert len({one.reveal() for one in (*used, world.file.held.password)}) == 5
    assert not any(world.accepts(credential(USER, one.reveal())) for one in used)


def test_what_is_recorded_for_the_next_time_is_not_set_yet(world: MemoryWorld) -> None:
    Run(world).to_end()
    next_one = world.current.credential(Slot.A)
    assert not world.accepts(next_one)
    Run(world, "run-2").to_end()
    assert world.file.held.same_login(next_one)


def test_the_way_back_leaves_the_database_as_it_is_and_the_next_run_takes_the_same_password(world: MemoryWorld) -> None:
    run = Run(world)
    run.to_publish()
    run.publish()
    roll_back(run)
    assert [world.accepts(one) for one in (FIRST, SECOND)] == [True, True]
    assert world.file.held.same_login(FIRST)
    assert world.current.credential(Slot.B).same_login(SECOND)
    altered = len([one for one in world.journal.writes if one.startswith("alter ")])
    Run(world, "run-2").to_end()
    assert world.file.held.same_login(SECOND)
    assert [one for one in world.journal.writes if one == f"alter {USER}"] == [f"alter {USER}"] * altered


def test_a_second_password_that_nobody_knows_is_not_destroyed(world: MemoryWorld) -> None:
    world.account(Slot.A).old = "canary-of-somebody"
    run = Run(world)
    run.read_slots()
    run.claim_rotation()
    with pytest.raises(SecondaryUnknown):
        run.ask(sync_users)
    assert world.accepts(credential(USER, "canary-of-somebody"))


def test_a_password_in_use_that_is_the_secondary_is_not_destroyed(world: MemoryWorld) -> None:
    account = world.account(Slot.A)
    account.old, account.password = account.password, "canary-of-somebody"
    run = Run(world)
    run.read_slots()
    run.claim_rotation()
    with pytest.raises(PrimaryUnknown):
        run.ask(sync_users)
    assert world.accepts(FIRST)


def test_a_password_in_use_that_became_the_second_is_set_again_before_the_other_goes(world: MemoryWorld) -> None:
    """The application was put back to it, and the retirement of the other begins."""
    run = Run(world).to_discard()
    account = world.account(Slot.A)
    assert (account.password, account.old) == (SECOND.password.reveal(), FIRST.password.reveal())
    account.password, account.old = FIRST.password.reveal(), SECOND.password.reveal()
    run.ask(discard_old_password)
    assert (account.password, account.old) == (SECOND.password.reveal(), None)
    assert world.accepts(SECOND)
    assert not world.accepts(FIRST)


def test_a_password_that_the_application_uses_and_no_slot_has_takes_the_place_of_the_active_one(world: MemoryWorld) -> None:
    drifted = credential(USER, "canary-drifted")
    world.account(Slot.A).password = "canary-drifted"
    world.application_uses(drifted)
    Run(world).to_end()
    assert world.file.held.same_login(SECOND)
    assert not world.accepts(drifted)


def test_sessions_of_the_user_are_the_application_s_and_hold_up_nothing(world: MemoryWorld) -> None:
    world.account(Slot.A).sessions = 3
    Run(world).to_end()
    assert world.current.active is Slot.B
    assert world.account(Slot.A).sessions == 3


def test_mode_sync_users_leaves_a_password_in_use_alone(world: MemoryWorld) -> None:
    run = Run(world, "sync", Mode.SYNC_USERS)
    run.read_slots()
    run.claim_rotation()
    assert run.ask(sync_users)["repaired"] == []
    assert world.accepts(FIRST)


def test_after_a_revocation_nothing_that_was_known_opens_anything(world: MemoryWorld) -> None:
    for number in (1, 2):
        run = Run(world, "revoke", Mode.REVOKE)
        run.event["round"] = number
        run.to_end()
    assert not [one for one in (FIRST, SECOND, credential(ADMIN, ADMIN_PASSWORD)) if world.accepts(one)]
    assert world.accepts(world.current.credential(world.current.active))


@pytest.mark.parametrize(
    ("why", "changes"),
    {
        "turns is none of users, values, keys": {"turns": "passwords"},
        "turns is values: slots A and B, and no more, have to name one and the same user": {"B": fields(login(Slot.B))},
    }.items(),
)
def test_a_record_that_is_not_of_two_values_is_refused(why: str, changes: dict[str, Any]) -> None:
    raw = {"active_slot": "A", "turns": "values", "A": fields(FIRST), "B": fields(SECOND)} | changes
    with pytest.raises(SecretInvalid) as caught:
        Record.parse(SecretText(json.dumps(raw)), "slots")
    assert str(caught.value) == f"secret slots: {why}"


def test_a_password_of_neither_slot_is_of_no_slot() -> None:
    raw = {"active_slot": "A", "turns": "values", "A": fields(FIRST), "B": fields(SECOND)}
    record = Record.parse(SecretText(json.dumps(raw)), "slots")
    assert [record.slot_of(one) for one in (FIRST, SECOND)] == [Slot.A, Slot.B]
    assert record.slot_of(credential(USER, "other")) is None
    assert Password("x") == Password("x")
