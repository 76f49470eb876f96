"""CheckDrained: one look at everything that could still use the old credential, and what it leaves for the next look."""

from collections.abc import Callable

import pytest
from rotation.core.drain import POLL_SECONDS, REPUBLISHES
from rotation.core.errors import AdminLoginUnknown, ConsumerDiffers, DrainTooSlow, RotationSuperseded
from rotation.core.model import CURRENT, PENDING, Password, Slot

from tests.worlds.run import Run, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, FORMER, FORMER_PASSWORD, USERS, MemoryWorld, credential, login

QUIET = 20


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def run(world: MemoryWorld) -> Run:
    """Just flipped."""
    return Run(world).to_drain()


def status(run: Run, *, after: float = 0) -> str:
    run.world.clock += after
    return str(run.check_drained()["status"])


def test_the_first_look_leaves_what_the_next_one_needs(world: MemoryWorld, run: Run) -> None:
    assert run.check_drained() == {
        "began": world.clock,
        "status": "waiting",
        "quiet_since": world.clock,
        "logins": world.account(Slot.A).logins,
        "wait_seconds": POLL_SECONDS,
        "republished": 0,
        "admin_in_use": False,
    }


def test_drained_after_a_whole_quiet_period_and_not_a_moment_before(run: Run) -> None:
    assert [status(run), status(run, after=QUIET - 0.1), status(run, after=0.1)] == ["waiting", "waiting", "drained"]


def test_nothing_is_written_and_no_lock_taken(world: MemoryWorld, run: Run) -> None:
    writes = list(world.journal.writes)
    with world.source.as_admin(credential(ADMIN, ADMIN_PASSWORD)):
        run.drain()
    assert world.journal.writes == writes


STIRS: dict[str, Callable[[MemoryWorld], object]] = {
    "a session of the old user": lambda world: setattr(world.account(Slot.A), "sessions", 1),
    "a login of the old user": lambda world: setattr(world.account(Slot.A), "logins", world.account(Slot.A).logins + 1),
    "a rollout under way": lambda world: world.pods.begin(),
    "a paused Deployment": lambda world: setattr(world.pods, "paused", True),
}


@pytest.mark.parametrize("stir", STIRS.values(), ids=STIRS)
def test_whatever_stirs_is_waited_for(world: MemoryWorld, run: Run, stir: Callable[[MemoryWorld], object]) -> None:
    status(run)
    stir(world)
    assert status(run, after=QUIET) == "waiting"


def test_sessions_of_the_new_user_are_the_application_itself(world: MemoryWorld, run: Run) -> None:
    world.account(Slot.B).sessions = 12
    status(run)
    world.account(Slot.B).logins += 1000
    assert status(run, after=QUIET) == "drained"


PUT_BACK: dict[str, Callable[[MemoryWorld], object]] = {
    "sqlconf.php": lambda world: world.file.holds(login(Slot.A)),
    "the Secret": lambda world: world.secret.holds(login(Slot.A)),
    "the right user with another password": lambda world: world.secret.holds(credential(USERS[Slot.B], "canary-other")),
}


@pytest.mark.parametrize("put_back", PUT_BACK.values(), ids=PUT_BACK)
def test_a_consumer_that_somebody_put_back_is_to_be_published_again(
    world: MemoryWorld, run: Run, put_back: Callable[[MemoryWorld], object]
) -> None:
    put_back(world)
    assert status(run) == "republish"
    run.publish()
    assert [status(run), status(run, after=QUIET)] == ["waiting", "drained"]


def test_who_keeps_putting_it_back_is_not_fought_for_ever(world: MemoryWorld, run: Run) -> None:
    for _ in range(REPUBLISHES):
        world.file.holds(login(Slot.A))
        assert status(run) == "republish"
    with refused(world, ConsumerDiffers, f"it was put right {REPUBLISHES} times"):
        run.check_drained()


def test_up_to_the_deadline_it_is_waited_and_after_it_not(world: MemoryWorld, run: Run) -> None:
    world.account(Slot.A).sessions = 1
    assert [status(run), status(run, after=world.target.drain_deadline_seconds)] == ["waiting", "waiting"]
    world.clock += 1
    with refused(world, DrainTooSlow, "(drain.deadline_seconds)"):
        run.check_drained()


def test_drained_after_the_deadline_is_still_drained(world: MemoryWorld, run: Run) -> None:
    status(run)
    assert status(run, after=world.target.drain_deadline_seconds + 1) == "drained"


def test_our_own_logins_as_the_old_user_are_not_the_applications(world: MemoryWorld, run: Run) -> None:
    run.drain()
    run.rotate_old_slot()
    assert status(run) == "drained"


def test_a_login_between_two_looks_counts_also_when_we_logged_in_ourselves(world: MemoryWorld, run: Run) -> None:
    run.drain()
    run.rotate_old_slot()
    world.account(Slot.A).logins += 1
    assert status(run) == "waiting"


def test_a_server_that_does_not_count_logins_can_be_drained() -> None:
    run = Run(MemoryWorld(counts_logins=False)).to_drain()
    assert run.check_drained()["logins"] is None
    assert status(run, after=QUIET) == "drained"


def first_rotation() -> Run:
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    return Run(world).to_drain()


@pytest.mark.parametrize("user", [FORMER, USERS[Slot.B]])
def test_in_a_first_rotation_the_former_user_and_the_other_slot_are_drained(user: str) -> None:
    run = first_rotation()
    assert [status(run), status(run, after=QUIET)] == ["waiting", "drained"]
    run = first_rotation()
    run.world.source.accounts[user].sessions = 1
    assert [status(run), status(run, after=QUIET)] == ["waiting", "waiting"]


def test_logins_of_all_users_that_are_to_be_retired_are_counted_together() -> None:
    run = first_rotation()
    accounts = run.world.source.accounts
    assert run.check_drained()["logins"] == accounts[FORMER].logins + accounts[USERS[Slot.B]].logins


@pytest.mark.parametrize("consumer", ["file", "secret"])
def test_a_consumer_that_names_the_admin_is_said(world: MemoryWorld, run: Run, consumer: str) -> None:
    getattr(world, consumer).holds(credential(ADMIN, ADMIN_PASSWORD))
    assert run.check_drained()["admin_in_use"]


def test_who_lost_the_intent_is_told_so(world: MemoryWorld, run: Run) -> None:
    world.slots.swap(PENDING, to=None, removed_from=run.claim)
    with refused(world, RotationSuperseded, "AWSPENDING"):
        run.check_drained()


def test_a_secret_that_somebody_put_meanwhile_ends_it(world: MemoryWorld, run: Run) -> None:
    world.slots.put("edit", world.current.with_password(Slot.A, Password("theirs")).text(), [CURRENT])
    with refused(world, RotationSuperseded, "became current"):
        run.check_drained()


def test_without_the_admins_login_nothing_can_be_seen(world: MemoryWorld, run: Run) -> None:
    world.source.accounts[ADMIN].password = "canary-changed"
    with refused(world, AdminLoginUnknown):
        run.check_drained()
