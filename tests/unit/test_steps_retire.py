"""RotateOldSlot and DiscardOldPassword: what reaches the database was stored and read back, and only the discard destroys."""

from collections.abc import Callable

import pytest
from rotation.core.errors import (
    LoginRefused,
    PasswordRejected,
    RetiredPasswordAccepted,
    RotationSuperseded,
    SlotInUse,
    SourceUnreachable,
)
from rotation.core.model import CURRENT, PENDING, Password, RotationStep, Slot
from rotation.protocol.intents import ATTEMPTS
from rotation.protocol.settling import KNOWN
from rotation.steps.discard_old_password import discard_old_password

from tests.worlds.database import Policy
from tests.worlds.journal import Crash
from tests.worlds.run import Run, arn, refused
from tests.worlds.world import FORMER, FORMER_PASSWORD, PASSWORDS, USERS, MemoryWorld, credential, login

A = USERS[Slot.A]


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def run(world: MemoryWorld) -> Run:
    """Drained: slot A is to be retired."""
    return Run(world).to_old_slot()


def count(world: MemoryWorld, write: str) -> int:
    return world.journal.writes.count(write)


def edit(world: MemoryWorld) -> None:
    world.slots.put("edit", world.current.with_password(Slot.B, Password("theirs")).text(), [CURRENT])


# RotateOldSlot


def test_the_old_slot_has_a_new_password_beside_its_old_one(world: MemoryWorld, run: Run) -> None:
    assert run.rotate_old_slot()["status"] == "altered"
    new = world.pending.credential(Slot.A)
    assert (world.account(Slot.A).password, world.account(Slot.A).old) == (new.password.reveal(), PASSWORDS[Slot.A])
    assert len(new.password.reveal()) == 43


def test_it_is_stored_and_held_before_the_database_hears_of_it(world: MemoryWorld, run: Run) -> None:
    before = len(world.journal.writes)
    run.rotate_old_slot()
    assert world.journal.writes[before:] == ["put slots", "swap AWSPENDING of slots", f"alter {A}"]
    tag = world.pending.tag
    assert tag
    assert (tag.id, tag.owner, tag.step, tag.made_from) == (
        "run-1",
        arn("run-1"),
        RotationStep.RETIRE,
        world.slots.labels().current,
    )


def test_the_claim_is_on_the_new_intent_and_our_logins_are_counted(world: MemoryWorld, run: Run) -> None:
    logins = world.account(Slot.A).logins
    answer = run.rotate_old_slot()
    assert answer["version"] == world.slots.labels().pending
    assert answer["own_logins"] == world.account(Slot.A).logins - logins == 2


def test_repeated_there_is_no_second_password(world: MemoryWorld, run: Run) -> None:
    first, account = run.rotate_old_slot(), world.account(Slot.A)
    altered = (account.password, account.old)
    second = run.rotate_old_slot()
    assert second["version"] == first["version"]
    assert second["own_logins"] == first["own_logins"] + 1
    assert (account.password, account.old) == altered
    assert (count(world, f"alter {A}"), count(world, "put slots")) == (1, 2)


@pytest.mark.parametrize("write", [0, 1, 2], ids=["put", "swap", "alter"])
@pytest.mark.parametrize("done", [False, True])
def test_wherever_it_dies_the_stored_password_is_the_one_that_is_used(world: MemoryWorld, run: Run, write: int, done: bool) -> None:
    world.journal.crash(write, done=done)
    with pytest.raises(Crash):
        run.rotate_old_slot()
    assert run.rotate_old_slot()["status"] == "altered"
    assert world.accepts(world.pending.credential(Slot.A))
    assert world.accepts(login(Slot.A)), "the old one was evicted"
    assert (count(world, f"alter {A}"), count(world, "put slots")) == (1, 2)


def test_in_a_first_rotation_the_other_slot_is_made_and_the_former_user_let_be() -> None:
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    del world.source.accounts[USERS[Slot.B]]
    run = Run(world).to_old_slot()
    assert run.rotate_old_slot()["status"] == "altered"
    assert world.accepts(world.pending.credential(Slot.B))
    assert world.account(Slot.B).privileges == {"ALL PRIVILEGES"}
    assert world.pending.previous is None
    assert world.accepts(credential(FORMER, FORMER_PASSWORD))


def test_a_session_that_came_back_stops_it_before_anything_is_altered(world: MemoryWorld, run: Run) -> None:
    world.account(Slot.A).sessions = 1
    answer = run.rotate_old_slot()
    assert (answer["status"], answer["own_logins"]) == ("in use", 1)
    assert answer["version"] == world.slots.labels().pending, "held by then, so it is said"
    assert (world.account(Slot.A).password, world.account(Slot.A).old) == (PASSWORDS[Slot.A], None)


def test_after_somebody_came_back_and_left_it_goes_on_with_the_same_password(world: MemoryWorld, run: Run) -> None:
    world.account(Slot.A).sessions = 1
    run.rotate_old_slot()
    recorded = world.pending.credential(Slot.A)
    world.account(Slot.A).sessions = 0
    assert run.rotate_old_slot()["status"] == "altered"
    assert world.accepts(recorded)
    assert count(world, "put slots") == 2


def test_a_policy_that_refuses_some_is_offered_another(world: MemoryWorld, run: Run) -> None:
    policy = Policy(accepts=ATTEMPTS)
    world.source.policy = policy
    logins = world.account(Slot.A).logins
    answer = run.rotate_old_slot()
    assert answer["status"] == "altered"
    assert world.account(Slot.A).password == world.pending.credential(Slot.A).password.reveal() == policy.offered[-1]
    assert answer["version"] == world.slots.labels().pending
    assert answer["own_logins"] == world.account(Slot.A).logins - logins


def test_a_policy_that_refuses_all_is_not_offered_more_than_that(world: MemoryWorld, run: Run) -> None:
    policy = Policy(accepts=0)
    world.source.policy = policy
    for _ in range(2):
        with refused(world, PasswordRejected, f"refused {ATTEMPTS} passwords"):
            run.rotate_old_slot()
    assert len(set(policy.offered)) == ATTEMPTS
    assert world.accepts(login(Slot.A))
    assert count(world, "put slots") == 1 + ATTEMPTS, "repeated it offers no new ones"


def test_a_database_that_goes_away_is_no_reason_for_another_password(world: MemoryWorld, run: Run) -> None:
    world.journal.meanwhile(f"alter {A}", lambda: setattr(world.source, "reachable", False))
    with refused(world, SourceUnreachable):
        run.rotate_old_slot()
    world.source.reachable = True
    run.rotate_old_slot()
    assert (count(world, f"alter {A}"), count(world, "put slots")) == (1, 2)


def test_without_dual_passwords_it_is_altered_plainly() -> None:
    world = MemoryWorld(dual_passwords=False)
    run = Run(world).to_old_slot()
    run.rotate_old_slot()
    assert not world.accepts(login(Slot.A))
    assert world.accepts(world.pending.credential(Slot.A))


FENCE: dict[str, Callable[[Run], object]] = {
    "a rival claimed": lambda run: Run(run.world, "rival").to_claim(),
    "somebody let go": lambda run: run.world.slots.swap(PENDING, to=None, removed_from=run.world.slots.labels().pending),
    "a person put a secret": lambda run: edit(run.world),
}


@pytest.mark.parametrize("lost", FENCE.values(), ids=FENCE)
@pytest.mark.parametrize("moment", ["at once", "swap AWSPENDING of slots", "lock", f"login {A}"])
def test_who_lost_the_fence_alters_nothing_however_late_that_is(
    world: MemoryWorld, run: Run, lost: Callable[[Run], object], moment: str
) -> None:
    if moment == "at once":
        lost(run)
    else:
        world.journal.meanwhile(moment, lambda: lost(run))
    with refused(world, RotationSuperseded):
        run.rotate_old_slot()
    assert (world.account(Slot.A).password, world.account(Slot.A).old) == (PASSWORDS[Slot.A], None)


def test_an_intent_whose_tag_is_gone_is_nobodys(world: MemoryWorld, run: Run) -> None:
    """A person rewrote it under the label; what it says is still what is current."""
    world.slots.put("theirs", world.pending.without_tag().text(), [PENDING])
    run.event["claim"]["version"] = "theirs"
    with refused(world, RotationSuperseded, "lost its tag"):
        run.rotate_old_slot()
    assert world.account(Slot.A).password == PASSWORDS[Slot.A]


def test_a_password_that_somebody_changed_at_once_is_not_believed(world: MemoryWorld, run: Run) -> None:
    def undo() -> None:
        if world.journal.writes[-1] == f"alter {A}":
            world.account(Slot.A).password = "canary-undone"

    world.journal.after_each_write = undo
    with refused(world, LoginRefused, "the password it was just given"):
        run.rotate_old_slot()


# DiscardOldPassword


@pytest.fixture
def altered(run: Run) -> Run:
    run.rotate_old_slot()
    run.drain()
    return run


def test_the_retired_password_is_refused_and_current_says_so(world: MemoryWorld, altered: Run) -> None:
    assert altered.ask(discard_old_password) == {"retired_user": A, **KNOWN}
    assert not world.accepts(login(Slot.A))
    assert world.accepts(world.current.credential(Slot.A))
    labels = world.slots.labels()
    assert labels.current == labels.pending == altered.claim


def test_it_is_discarded_and_proven_before_it_is_recorded(world: MemoryWorld, altered: Run) -> None:
    before = len(world.journal.writes)
    altered.ask(discard_old_password)
    assert world.journal.writes[before:] == [f"discard {A}", "swap AWSCURRENT of slots"]


def test_discarded_again_nothing_happens(world: MemoryWorld, altered: Run) -> None:
    altered.ask(discard_old_password)
    writes = list(world.journal.writes)
    assert altered.ask(discard_old_password) == {"retired_user": A, **KNOWN}
    assert world.journal.writes == writes


@pytest.mark.parametrize("write", [0, 1])
@pytest.mark.parametrize("done", [False, True])
def test_a_discard_that_died_is_carried_on(world: MemoryWorld, altered: Run, write: int, done: bool) -> None:
    world.journal.crash(write, done=done)
    with pytest.raises(Crash):
        altered.ask(discard_old_password)
    altered.ask(discard_old_password)
    assert world.slots.labels().current == altered.claim
    assert not world.accepts(login(Slot.A))


def test_a_session_that_came_back_keeps_the_old_password(world: MemoryWorld, altered: Run) -> None:
    world.account(Slot.A).sessions = 1
    with refused(world, SlotInUse, f"{A} has sessions"):
        altered.ask(discard_old_password)
    assert world.accepts(login(Slot.A))
    assert world.slots.labels().current != altered.claim


def test_while_the_new_password_does_not_log_in_the_old_one_is_kept(world: MemoryWorld, altered: Run) -> None:
    world.account(Slot.A).password = "canary-changed"
    with refused(world, LoginRefused, "the old one is kept"):
        altered.ask(discard_old_password)
    assert world.accepts(login(Slot.A))


def test_a_retired_password_that_still_logs_in_is_not_recorded_as_retired(world: MemoryWorld, altered: Run) -> None:
    def come_back() -> None:
        if world.journal.writes[-1] == f"discard {A}":
            world.account(Slot.A).old = PASSWORDS[Slot.A]

    world.journal.after_each_write = come_back
    with refused(world, RetiredPasswordAccepted, f"the retired password of {A}"):
        altered.ask(discard_old_password)
    assert world.slots.labels().current != altered.claim


@pytest.mark.parametrize("lost", FENCE.values(), ids=FENCE)
@pytest.mark.parametrize("moment", ["at once", "lock"])
def test_who_lost_the_fence_discards_nothing(world: MemoryWorld, altered: Run, lost: Callable[[Run], object], moment: str) -> None:
    if moment == "at once":
        lost(altered)
    else:
        world.journal.meanwhile(moment, lambda: lost(altered))
    with refused(world, RotationSuperseded):
        altered.ask(discard_old_password)
    assert world.accepts(login(Slot.A))


def test_a_secret_put_between_the_discard_and_the_swap_stays_current(world: MemoryWorld, altered: Run) -> None:
    world.journal.meanwhile("swap AWSCURRENT of slots", lambda: edit(world))
    with refused(world, RotationSuperseded, "before the retirement was recorded"):
        altered.ask(discard_old_password)
    assert world.slots.labels().current == "edit"


def test_without_dual_passwords_there_is_nothing_to_discard_but_it_is_proven_and_recorded() -> None:
    world = MemoryWorld(dual_passwords=False)
    run = Run(world).to_discard()
    assert run.ask(discard_old_password) == {"retired_user": A, **KNOWN}
    assert count(world, f"discard {A}") == 0
    assert world.slots.labels().current == run.claim
