"""RotateAdmin: what is current for the admin logs in at every instant, and an intent that is there is adopted, never dropped."""

from collections.abc import Callable

import pytest
from rotation.core.errors import (
    AdminLoginUnknown,
    LoginRefused,
    PasswordRejected,
    RetiredPasswordAccepted,
    RotationSuperseded,
)
from rotation.core.model import CURRENT, PENDING, Password, Slot
from rotation.protocol.intents import ATTEMPTS
from rotation.steps.rotate_admin import rotate_admin

from tests.worlds.database import Policy
from tests.worlds.journal import Crash
from tests.worlds.run import Run, arn, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MemoryWorld, credential

FIRST = credential(ADMIN, ADMIN_PASSWORD)
WRITES = ["put admin", "swap AWSPENDING of admin", f"alter {ADMIN}", "swap AWSCURRENT of admin", f"discard {ADMIN}",
          "swap AWSPENDING of admin"]  # fmt: skip


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def run(world: MemoryWorld) -> Run:
    """The slot is retired; the admin is next."""
    return Run(world).to_admin()


def writes(world: MemoryWorld) -> list[str]:
    """Of the admin."""
    return [write for write in world.journal.writes if "admin" in write or ADMIN in write]


def assert_renewed(world: MemoryWorld, *, by: str = "run-1") -> None:
    current, tag = world.current_admin.credential, world.current_admin.tag
    assert world.accepts(current)
    assert not world.accepts(FIRST)
    assert world.source.accounts[ADMIN].old is None
    assert world.admin.labels().pending is None
    assert len(current.password.reveal()) == 41
    assert tag
    assert (tag.owner, tag.id) == (arn(by), by)


def test_a_new_password_is_stored_altered_made_current_and_the_old_one_discarded_in_that_order(
    world: MemoryWorld, run: Run
) -> None:
    assert run.ask(rotate_admin) == {"admin": ADMIN}
    assert writes(world) == WRITES
    assert_renewed(world)


def test_repeated_by_the_same_run_it_does_nothing(world: MemoryWorld, run: Run) -> None:
    run.ask(rotate_admin)
    first = world.current_admin.credential
    assert run.ask(rotate_admin) == {"admin": ADMIN}
    assert writes(world) == WRITES
    assert world.current_admin.credential == first


def test_the_next_rotation_makes_another(world: MemoryWorld, run: Run) -> None:
    run.ask(rotate_admin)
    first = world.current_admin.credential
    run.to_end()
    Run(world, "run-2").to_end()
    assert world.current_admin.credential != first
    assert_renewed(world, by="run-2")


def test_one_execution_that_first_finished_an_older_rotation_makes_one_for_each(world: MemoryWorld, run: Run) -> None:
    """Mode rotate: the same owner, another rotation id."""
    run.ask(rotate_admin)
    run.event["situation"] = {**run.event["situation"], "rotation_id": "another"}
    run.ask(rotate_admin)
    assert writes(world) == [*WRITES, *WRITES]


@pytest.mark.parametrize("write", range(len(WRITES)), ids=WRITES)
@pytest.mark.parametrize("done", [False, True])
def test_wherever_it_dies_the_stored_password_is_the_one_that_is_used(world: MemoryWorld, run: Run, write: int, done: bool) -> None:
    world.journal.crash(write, done=done)
    with pytest.raises(Crash):
        run.ask(rotate_admin)
    assert world.accepts(world.current_admin.credential)
    run.ask(rotate_admin)
    assert_renewed(world)
    assert (writes(world).count("put admin"), writes(world).count(f"alter {ADMIN}")) == (1, 1)


@pytest.mark.parametrize("write", range(len(WRITES)), ids=WRITES)
@pytest.mark.parametrize("done", [False, True])
def test_wherever_a_run_is_stopped_the_next_ones_intent_has_the_password_it_recorded(
    world: MemoryWorld, run: Run, write: int, done: bool
) -> None:
    world.journal.crash(write, done=done)
    with pytest.raises(Crash):
        run.ask(rotate_admin)
    pending = world.admin.labels().pending
    recorded = world.admin.read(pending).reveal() if pending else ""
    heir = Run(world, "heir").to_claim()
    heir.ask(rotate_admin)
    assert world.accepts(world.current_admin.credential)
    assert not world.accepts(FIRST)
    assert world.source.accounts[ADMIN].old is None
    if recorded:
        assert world.current_admin.credential.password.reveal() in recorded
        assert writes(world).count(f"alter {ADMIN}") == 1


def test_what_is_pending_by_a_persons_hand_is_adopted_too(world: MemoryWorld, run: Run) -> None:
    """The database may hold it already."""
    theirs = world.current_admin.with_password(Password("canary-theirs"))
    world.admin.put("theirs", theirs.text(), [PENDING])
    world.source.accounts[ADMIN].password, world.source.accounts[ADMIN].old = "canary-theirs", ADMIN_PASSWORD
    run.ask(rotate_admin)
    assert world.current_admin.credential.password == Password("canary-theirs")
    assert f"alter {ADMIN}" not in writes(world)
    assert world.admin.labels().pending is None


def test_an_admin_whose_current_password_is_stale_is_found_by_what_is_pending(world: MemoryWorld, run: Run) -> None:
    """Without dual passwords a run died between the ALTER and the swap."""
    world.admin.put("theirs", world.current_admin.with_password(Password("canary-theirs")).text(), [PENDING])
    world.source.accounts[ADMIN].password = "canary-theirs"
    run.ask(rotate_admin)
    assert world.current_admin.credential.password == Password("canary-theirs")


def test_no_known_password_is_an_error_of_its_own_and_changes_nothing(world: MemoryWorld, run: Run) -> None:
    world.source.accounts[ADMIN].password = "canary-changed"
    with refused(world, AdminLoginUnknown):
        run.ask(rotate_admin)
    assert world.source.accounts[ADMIN].password == "canary-changed"
    assert world.admin.labels().current == "v0"


def test_without_dual_passwords_it_is_altered_plainly() -> None:
    world = MemoryWorld(dual_passwords=False)
    Run(world).to_admin().ask(rotate_admin)
    assert writes(world) == [write for write in WRITES if not write.startswith("discard")]
    assert_renewed(world)


def test_a_policy_that_refuses_one_password_is_offered_another(world: MemoryWorld, run: Run) -> None:
    world.source.policy = policy = Policy(accepts=2)
    run.ask(rotate_admin)
    assert world.current_admin.credential.password == Password(policy.offered[1])
    assert_renewed(world)


def test_a_policy_that_refuses_all_is_not_offered_more_than_that(world: MemoryWorld, run: Run) -> None:
    world.source.policy = policy = Policy(accepts=0)
    for _ in range(2):
        with refused(world, PasswordRejected, f"refused {ATTEMPTS} passwords of the admin"):
            run.ask(rotate_admin)
    assert len(set(policy.offered)) == ATTEMPTS
    assert writes(world).count("put admin") == ATTEMPTS, "repeated it offers no new ones"
    assert world.accepts(FIRST)


def test_an_adopted_password_that_the_policy_refuses_gives_way_to_a_new_one(world: MemoryWorld, run: Run) -> None:
    world.admin.put("theirs", world.current_admin.with_password(Password("short")).text(), [PENDING])
    world.source.policy = policy = Policy(accepts=2)
    run.ask(rotate_admin)
    assert policy.offered[0] == "short"
    assert_renewed(world)


# The fence


def edit(world: MemoryWorld) -> None:
    world.slots.put("edit", world.current.with_password(Slot.A, Password("theirs")).text(), [CURRENT])


FENCE: dict[str, Callable[[Run], object]] = {
    "a rival claimed": lambda run: Run(run.world, "rival").to_claim(),
    "somebody let go": lambda run: run.world.slots.swap(PENDING, to=None, removed_from=run.world.slots.labels().pending),
    "a person put a secret": lambda run: edit(run.world),
}


@pytest.mark.parametrize("lost", FENCE.values(), ids=FENCE)
@pytest.mark.parametrize("moment", ["at once", "lock"])
def test_who_lost_the_slots_fence_does_not_alter_the_admin(
    world: MemoryWorld, run: Run, lost: Callable[[Run], object], moment: str
) -> None:
    if moment == "at once":
        lost(run)
    else:
        world.journal.meanwhile(moment, lambda: lost(run))
    with refused(world, RotationSuperseded):
        run.ask(rotate_admin)
    assert (world.source.accounts[ADMIN].password, world.source.accounts[ADMIN].old) == (ADMIN_PASSWORD, None)


def test_the_fence_is_looked_at_again_before_the_discard(world: MemoryWorld, run: Run) -> None:
    world.journal.meanwhile("swap AWSCURRENT of admin", lambda: Run(world, "rival").to_claim())
    with refused(world, RotationSuperseded):
        run.ask(rotate_admin)
    assert world.accepts(FIRST)
    assert world.accepts(world.current_admin.credential)


def test_an_admin_secret_that_somebody_put_is_not_overwritten(world: MemoryWorld, run: Run) -> None:
    def put() -> None:
        world.admin.put("theirs", world.admin.read("v0"), [CURRENT])

    world.journal.meanwhile("swap AWSCURRENT of admin", put)
    with refused(world, RotationSuperseded, "admin"):
        run.ask(rotate_admin)
    assert world.admin.labels().current == "theirs"
    assert world.accepts(FIRST)


def test_an_admin_intent_of_a_rival_is_not_overwritten(world: MemoryWorld, run: Run) -> None:
    def claim() -> None:
        world.admin.put("theirs", world.admin.read("v0"), [PENDING])

    world.journal.meanwhile("swap AWSPENDING of admin", claim)
    with refused(world, RotationSuperseded, "AWSPENDING moved"):
        run.ask(rotate_admin)
    assert world.admin.labels().pending == "theirs"
    assert world.source.accounts[ADMIN].password == ADMIN_PASSWORD


# What is proven


def after(world: MemoryWorld, write: str, act: Callable[[], None]) -> None:
    world.journal.after_each_write = lambda: act() if world.journal.writes[-1] == write else None


def test_a_password_that_does_not_log_in_is_not_made_current(world: MemoryWorld, run: Run) -> None:
    def undo() -> None:
        world.source.accounts[ADMIN].password = ADMIN_PASSWORD

    after(world, f"alter {ADMIN}", undo)
    with refused(world, LoginRefused):
        run.ask(rotate_admin)
    assert world.accepts(world.current_admin.credential)


def test_a_retired_password_that_still_logs_in_is_said(world: MemoryWorld, run: Run) -> None:
    def come_back() -> None:
        world.source.accounts[ADMIN].old = ADMIN_PASSWORD

    after(world, f"discard {ADMIN}", come_back)
    with refused(world, RetiredPasswordAccepted, "the admin's retired password"):
        run.ask(rotate_admin)
    assert world.admin.labels().pending == world.admin.labels().current, "the next run finishes"


# ---- a call that was taken for dead and comes late (found by make faults) -----------------------------------------------


@pytest.fixture
def undiscarded(world: MemoryWorld, run: Run) -> Run:
    """The new password is current; the call died before it discarded the old one."""
    world.journal.crash(4, done=False)
    with pytest.raises(Crash):
        run.ask(rotate_admin)
    assert world.admin.labels().current == world.admin.labels().pending
    return run


def test_it_discards_nothing_once_the_next_renewal_has_begun(world: MemoryWorld, undiscarded: Run) -> None:
    """What it takes for the old password by then is what AWSCURRENT says."""
    current = world.current_admin.credential

    def renew() -> None:
        world.admin.put("next", world.current_admin.with_password(Password("canary-next")).text(), [PENDING])
        with world.source.as_admin(current) as session:
            session.set_password(ADMIN, Password("canary-next"), retain=True)

    world.journal.meanwhile(f"login {ADMIN}", renew)
    with refused(world, RotationSuperseded, "another renewal"):
        undiscarded.ask(rotate_admin)
    assert world.accepts(current)
    assert world.current_admin.credential == current


def test_it_finds_itself_done_if_its_twin_came_first(world: MemoryWorld, undiscarded: Run) -> None:
    world.journal.meanwhile(f"login {ADMIN}", lambda: undiscarded.ask(rotate_admin))
    assert undiscarded.ask(rotate_admin) == {"admin": ADMIN}
    assert_renewed(world)
    assert writes(world).count("put admin") == 1
