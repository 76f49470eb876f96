"""A user gets the password of an intent once, and the old one goes only when the new one works."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from rotation.core.errors import LoginRefused, SlotInUse, SourceBusy
from rotation.core.model import Credential, Slot
from rotation.protocol.altering import Check, discard_old, ensure_password
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.rotate_old_slot import rotate_old_slot
from rotation.steps.sync_users import sync_users

from tests.worlds.run import Run, Step, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, PASSWORDS, USERS, MemoryWorld, credential, login

A = USERS[Slot.A]
ME = credential(ADMIN, ADMIN_PASSWORD)
NEW = credential(A, "canary-new")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def fine() -> None:
    """Nobody is there."""


def in_use() -> None:
    raise SlotInUse("somebody is there")


def ensured(world: MemoryWorld, check: Check = fine) -> int:
    with world.source.as_admin(ME) as session:
        return ensure_password(world, session, NEW, login(Slot.B), check)


def discarded(world: MemoryWorld, user: Credential) -> None:
    with world.source.as_admin(ME) as session:
        discard_old(world, session, user)


def test_it_logs_in_afterwards_beside_the_old_one(world: MemoryWorld) -> None:
    assert ensured(world) == 2
    assert (world.account(Slot.A).password, world.account(Slot.A).old) == ("canary-new", PASSWORDS[Slot.A])


def test_what_it_returns_is_how_often_the_server_counted_us(world: MemoryWorld) -> None:
    for _ in range(2):
        before = world.account(Slot.A).logins
        assert ensured(world) == world.account(Slot.A).logins - before


def test_done_twice_the_old_password_is_not_evicted(world: MemoryWorld) -> None:
    ensured(world)
    assert ensured(world, in_use) == 1, "nothing is to be altered, so nobody is asked"
    assert world.journal.writes == [f"alter {A}"]
    assert world.accepts(login(Slot.A))


def test_nothing_is_altered_where_the_check_says_no(world: MemoryWorld) -> None:
    with refused(world, SlotInUse):
        ensured(world, in_use)
    assert world.journal.writes == []
    assert world.account(Slot.A).password == PASSWORDS[Slot.A]


UNDER_THE_LOCK: dict[str, tuple[Callable[[Run], Run], Step]] = {
    "SyncUsers": (Run.to_claim, sync_users),
    "RotateOldSlot": (Run.to_old_slot, rotate_old_slot),
    "DiscardOldPassword": (Run.to_discard, discard_old_password),
    "RotateAdmin": (Run.to_admin, rotate_admin),
}


@pytest.mark.parametrize(("come_to", "step"), UNDER_THE_LOCK.values(), ids=UNDER_THE_LOCK)
def test_no_user_is_touched_while_somebody_else_has_the_lock(world: MemoryWorld, come_to: Callable[[Run], Run], step: Step) -> None:
    run, before = come_to(Run(world)), deepcopy(world.source.accounts)
    world.source.lock = "somebody else"
    with refused(world, SourceBusy):
        run.ask(step)
    before[ADMIN].logins += 1
    assert world.source.accounts == before, "not even looked at"


def test_a_missing_user_is_made_like_the_other(world: MemoryWorld) -> None:
    del world.source.accounts[A]
    world.account(Slot.B).privileges = {"SELECT"}
    ensured(world)
    assert (world.account(Slot.A).password, world.account(Slot.A).privileges) == ("canary-new", {"SELECT"})


def test_a_password_that_does_not_take_is_said(world: MemoryWorld) -> None:
    world.journal.after_each_write = lambda: setattr(world.account(Slot.A), "password", "canary-other")
    with refused(world, LoginRefused, f"openemr: {A} does not log in with the password it was just given"):
        ensured(world)


def test_the_old_password_goes_only_when_the_new_one_works(world: MemoryWorld) -> None:
    world.account(Slot.A).password, world.account(Slot.A).old = "canary-new", "canary-old"
    with refused(world, LoginRefused, f"openemr: the new password of {A} does not log in: the old one is kept"):
        discarded(world, credential(A, "canary-wrong"))
    assert world.account(Slot.A).old == "canary-old"
    discarded(world, NEW)
    assert (world.account(Slot.A).password, world.account(Slot.A).old) == ("canary-new", None)


def test_without_dual_passwords_it_is_set_plainly_and_nothing_discarded() -> None:
    world = MemoryWorld(dual_passwords=False)
    ensured(world)
    discarded(world, NEW)
    assert world.journal.writes == [f"alter {A}"]
    assert not world.accepts(login(Slot.A))
    assert world.accepts(login(Slot.B))
