"""SyncUsers: the user that is to be used works, or is repaired if nobody can be cut off; the user in use is never touched."""

from collections.abc import Callable

import pytest
from rotation.core.errors import LoginRefused, PasswordRejected, RotationSuperseded, SituationChanged, SlotInUse, SourceBusy
from rotation.core.model import CURRENT, PENDING, Mode, Password, Slot
from rotation.steps.sync_users import sync_users

from tests.worlds.journal import Crash
from tests.worlds.run import Run, refused
from tests.worlds.world import (
    ADMIN,
    ADMIN_PASSWORD,
    FORMER,
    FORMER_PASSWORD,
    PASSWORDS,
    RING,
    USERS,
    MemoryWorld,
    credential,
    login,
)

B = USERS[Slot.B]


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def writes_of(world: MemoryWorld, act: Callable[[], object]) -> list[str]:
    before = len(world.journal.writes)
    act()
    return world.journal.writes[before:]


def test_a_standby_that_works_is_left_as_it_is(world: MemoryWorld) -> None:
    run = Run(world).to_claim()
    assert writes_of(world, lambda: run.ask(sync_users)) == []
    assert run.answers[-1]["repaired"] == []


def test_a_standby_that_does_not_log_in_gets_its_recorded_password(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world).to_claim()
    assert run.ask(sync_users)["repaired"] == [f"{B}: password"]
    assert world.accepts(login(Slot.B))
    assert world.account(Slot.B).old is None, "what nobody knows and nobody uses does not stay valid beside it"


def test_a_password_that_logs_in_again_is_not_altered_away(world: MemoryWorld) -> None:
    """A first rotation has decided on a new one, since none logged in. By then the one that is current does: it may be in use."""
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        world.account(slot).password = "canary-unknown"
    run = Run(world).to_claim()
    active = world.pending.active
    assert not world.pending.credential(active).same_login(login(active))
    world.account(active).password = PASSWORDS[active]
    with refused(world, SituationChanged, "logs in again"):
        run.ask(sync_users)
    assert world.accepts(login(active))


def test_repeated_it_sets_no_password_again(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world).to_claim()
    run.ask(sync_users)
    assert writes_of(world, lambda: run.ask(sync_users)) == []
    assert world.account(Slot.B).old is None


def test_without_dual_passwords_it_is_set_plainly() -> None:
    world = MemoryWorld(dual_passwords=False)
    world.account(Slot.B).password = "canary-unknown"
    Run(world).to_claim().ask(sync_users)
    assert (world.account(Slot.B).password, world.account(Slot.B).old) == (PASSWORDS[Slot.B], None)


def test_a_standby_that_is_missing_is_created_like_the_user_in_use(world: MemoryWorld) -> None:
    del world.source.accounts[B]
    world.account(Slot.A).privileges, world.account(Slot.A).tls = {"SELECT", "INSERT"}, False
    assert Run(world).to_claim().ask(sync_users)["repaired"] == [f"{B}: password"]
    assert world.accepts(login(Slot.B))
    assert (world.account(Slot.B).privileges, world.account(Slot.B).tls) == ({"SELECT", "INSERT"}, False)


def test_grants_that_lack_are_given_to_a_standby_that_works(world: MemoryWorld) -> None:
    world.account(Slot.B).privileges = set()
    run = Run(world).to_claim()
    assert run.ask(sync_users)["repaired"] == [f"{B}: grants"]
    assert world.account(Slot.B).privileges == {"ALL PRIVILEGES"}
    assert run.ask(sync_users)["repaired"] == []


def test_in_a_first_rotation_the_grants_are_those_of_the_user_that_was_found(world: MemoryWorld) -> None:
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    world.source.accounts[FORMER].privileges = {"SELECT"}
    world.account(Slot.A).privileges = set()
    world.account(Slot.B).privileges = {"DELETE"}
    Run(world).to_claim().ask(sync_users)
    assert world.account(Slot.A).privileges == {"SELECT"}


def test_a_standby_with_sessions_is_not_cut_off(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    world.account(Slot.B).sessions = 1
    run = Run(world).to_claim()
    with refused(world, SlotInUse, f"{B} has sessions"):
        run.ask(sync_users)
    assert world.account(Slot.B).password == "canary-unknown"


def test_the_user_in_use_is_never_touched(world: MemoryWorld) -> None:
    """An interrupted flip was already committed, and its user's password is not the recorded one."""
    run = Run(world).to_drain()
    world.account(Slot.B).password = "canary-unknown"
    with refused(world, LoginRefused, f"{B} is in use"):
        run.ask(sync_users)
    assert world.account(Slot.B).password == "canary-unknown"


def test_after_the_flip_there_is_nothing_to_repair(world: MemoryWorld) -> None:
    run = Run(world).to_drain()
    world.account(Slot.B).privileges = set()
    assert run.ask(sync_users)["repaired"] == []


def test_who_lost_the_fence_repairs_nothing(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world).to_claim()
    world.slots.swap(PENDING, to=None, removed_from=run.claim)
    with refused(world, RotationSuperseded, "AWSPENDING"):
        run.ask(sync_users)
    assert world.account(Slot.B).password == "canary-unknown"


def test_the_fence_is_looked_at_again_under_the_lock(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world).to_claim()
    world.journal.meanwhile(
        "lock", lambda: world.slots.put("edit", world.current.with_password(Slot.A, Password("theirs")).text(), [CURRENT])
    )
    with refused(world, RotationSuperseded, "became current"):
        run.ask(sync_users)
    assert world.account(Slot.B).password == "canary-unknown"


@pytest.mark.parametrize("mode", [Mode.ROTATE, Mode.SYNC_USERS])
def test_what_a_call_that_came_late_has_repaired_is_not_repaired_again(world: MemoryWorld, mode: Mode) -> None:
    """It may do so while this one waits for the lock. A second RETAIN would evict what may still be in use."""
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world, mode=mode).to_claim()

    def repair() -> None:
        world.account(Slot.B).password, world.account(Slot.B).old = PASSWORDS[Slot.B], "canary-in-use"

    world.journal.meanwhile("lock", repair)
    assert writes_of(world, lambda: run.ask(sync_users)) == []
    assert world.account(Slot.B).old == "canary-in-use"


def test_a_rival_at_the_database_is_waited_for_by_the_machine(world: MemoryWorld) -> None:
    run = Run(world).to_claim()
    with world.source.as_admin(credential(ADMIN, ADMIN_PASSWORD)), refused(world, SourceBusy):
        run.ask(sync_users)


def test_a_recorded_password_that_the_policy_refuses_is_said_to_be_refused(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    world.source.policy = lambda _: False
    run = Run(world).to_claim()
    with refused(world, PasswordRejected):
        run.ask(sync_users)
    assert world.account(Slot.B).password == "canary-unknown"


def test_a_repair_that_somebody_undid_at_once_is_not_believed(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-unknown"
    run = Run(world).to_claim()

    def undo() -> None:
        if world.journal.writes[-1] == f"alter {B}":
            world.account(Slot.B).password = "canary-undone"

    world.journal.after_each_write = undo
    with refused(world, LoginRefused, "even after the repair"):
        run.ask(sync_users)


# Mode sync-users


def synced(world: MemoryWorld) -> object:
    return Run(world, "sync", Mode.SYNC_USERS).to_claim().ask(sync_users)["repaired"]


def test_both_users_that_work_are_left_as_they_are(world: MemoryWorld) -> None:
    assert synced(world) == []
    assert world.journal.writes == ["put slots", "swap AWSPENDING of slots"]


def test_both_users_are_repaired_to_what_is_recorded(world: MemoryWorld) -> None:
    for slot in RING:
        world.account(slot).password = "canary-unknown"
        world.account(slot).sessions = 1
    assert synced(world) == [f"{USERS[slot]}: password" for slot in RING]
    assert all(world.accepts(login(slot)) for slot in RING)


def test_both_users_are_made_where_they_are_missing(world: MemoryWorld) -> None:
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    assert synced(world) == [f"{USERS[slot]}: password" for slot in RING]
    assert all(world.accepts(login(slot)) for slot in RING)


def test_grants_of_one_user_are_those_of_the_other(world: MemoryWorld) -> None:
    world.account(Slot.A).privileges = set()
    assert synced(world) == [f"{USERS[Slot.A]}: grants"]
    assert world.account(Slot.A).privileges == {"ALL PRIVILEGES"}


def test_a_drifted_password_in_use_is_recorded_and_not_altered(world: MemoryWorld) -> None:
    world.account(Slot.A).password = "canary-drifted"
    world.file.holds(credential(USERS[Slot.A], "canary-drifted"))
    assert synced(world) == []
    assert world.pending.credential(Slot.A) == world.file.held


def test_an_unfinished_retirement_keeps_both_its_passwords(world: MemoryWorld) -> None:
    """Current's works, the intent's is not in the database yet: neither is touched."""
    dead = Run(world, "dead").to_old_slot()
    world.journal.crash(2, done=False)
    with pytest.raises(Crash, match="alter"):
        dead.rotate_old_slot()
    assert synced(world) == []
    assert world.account(Slot.A).password == PASSWORDS[Slot.A]
    assert world.current.credential(Slot.A).same_login(login(Slot.A))
