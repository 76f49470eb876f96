"""What the living world adds to the small one: it can be gone back to, and what takes its time takes it by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rotation.core.errors import SourceReadOnly, SourceUnreachable
from rotation.core.model import CURRENT, PENDING, Password, SecretText, Slot
from rotation.core.rollout import Progress, progress

from tests.faults.calls.machinery import begun, conclude, function_at, machine, settled
from tests.faults.calls.scenarios import SCENARIOS
from tests.worlds.invocation import Answered, Boundary, Invocation, Left, Outcome, Ports, known_passwords
from tests.worlds.living import (
    FAIL_OVER_SECONDS,
    OBSERVED_SECONDS,
    ROLLED_SECONDS,
    SESSION_SECONDS,
    STALE_SECONDS,
    LivingWorld,
    Snapshot,
)
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MARK, RING, USERS, credential, login

A, B = USERS[Slot.A], USERS[Slot.B]
ME = credential(ADMIN, ADMIN_PASSWORD)
EVENT: dict[str, Any] = {"target": "openemr", "mode": "rotate", "execution": {"id": "arn", "name": "run", "started": "now"}}


@pytest.fixture
def world() -> LivingWorld:
    return LivingWorld()


@pytest.fixture(autouse=True)
def _passwords() -> Iterator[None]:
    with known_passwords():
        yield


# Going back

CHANGES: dict[str, Callable[[LivingWorld], object]] = {
    "an account's password": lambda world: world.account(Slot.A).__setattr__("password", "other"),
    "an account's retained password": lambda world: world.account(Slot.A).__setattr__("old", "other"),
    "an account's privileges": lambda world: world.account(Slot.A).privileges.add("SELECT"),
    "an account that is made": lambda world: world.source.enter(ME, "me").create_user(credential("made", "x"), login(Slot.A)),
    "an account that is gone": lambda world: world.source.accounts.pop(A),
    "a locked account": lambda world: world.account(Slot.A).__setattr__("locked", True),
    "a version": lambda world: world.slots.put_once("one", SecretText("{}")),
    "a label": lambda world: world.slots.swap(PENDING, to="v0", removed_from=None),
    "the admin's label": lambda world: world.admin.put("two", world.admin.read("v0"), [CURRENT]),
    "sqlconf.php": lambda world: world.file.publish(login(Slot.B), MARK),
    "the Kubernetes Secret": lambda world: world.secret.publish(login(Slot.B), MARK),
    "the lock": lambda world: world.source.enter(ME, "me"),
    "a fail-over": lambda world: world.source.fail_over(),
    "a restart": lambda world: world.pods.restart("mark", "today"),
    "a pause": lambda world: world.pods.__setattr__("paused", True),
    "a pod that died": lambda world: world.pods.lose_one(),
    "the page": lambda world: world.health.__setattr__("shows_the_application", False),
    "an execution": lambda world: world.alive.add("arn"),
    "a throttled port": lambda world: world.throttled.update(database=1),
    "what the oracle remembers": lambda world: world.__setattr__("remembers", frozenset({"closed"})),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_after_a_snapshot_is_seen_and_undone(world: LivingWorld, change: Callable[[LivingWorld], object]) -> None:
    """Twice: what was restored shares nothing with the snapshot either."""
    kept, key = world.snapshot(), world.key()
    for _ in range(2):
        change(world)
        assert world.key() != key
        world.restore(kept)
        assert (world.snapshot(), world.key()) == (kept, key)


def test_a_snapshot_is_all_that_another_world_needs(world: LivingWorld) -> None:
    for name, change in CHANGES.items():
        if name not in ("an account that is gone", "the lock"):  # others need that account, or take that lock
            change(world)
    world.clock += 1.5
    other = LivingWorld()
    other.restore(world.snapshot())
    assert (other.snapshot(), other.key()) == (world.snapshot(), world.key())


def test_the_time_that_has_passed_makes_no_other_world_once_it_does_not_matter(world: LivingWorld) -> None:
    world.file.publish(login(Slot.B), MARK)
    world.pods.restart("mark", "today")
    world.source.fail_over()
    young = world.key()
    world.pass_time(max(FAIL_OVER_SECONDS, STALE_SECONDS + SESSION_SECONDS) + 1)
    world.pods.rollout()
    old = world.key()
    world.pass_time(60.0)
    assert (old == young, world.key() == old) == (False, True)


# The writer is taken away


def test_a_fail_over_cuts_the_session_takes_the_lock_and_resets_the_counts(world: LivingWorld) -> None:
    with Ports(Invocation(world, "read_slots", EVENT, "me")).source.as_admin(ME) as session:
        assert session.exists(A)
        locked = [world.source.lock]
        world.source.logs_in(login(Slot.A))
        world.source.fail_over()
        assert [*locked, world.source.lock] == ["me", None]
        assert [account.logins for account in world.source.accounts.values()] == [0] * len(world.source.accounts)
        for use in (
            lambda: session.exists(A),
            lambda: session.activity(A),
            lambda: session.set_password(A, Password("x"), retain=True),
            lambda: session.discard_old_password(A, Password("x")),
            lambda: session.create_user(credential("made", "x"), login(Slot.A)),
            lambda: session.copy_grants(login(Slot.B), login(Slot.A)),
        ):
            with pytest.raises(SourceUnreachable):
                use()
    assert "made" not in world.source.accounts
    assert world.accepts(login(Slot.A))


def test_after_a_fail_over_there_is_no_writer_for_a_while_and_nobody_holds_the_lock(world: LivingWorld) -> None:
    world.source.fail_over()
    for seconds in (0.0, FAIL_OVER_SECONDS - 0.5):
        world.clock += seconds
        with pytest.raises(SourceReadOnly), world.source.as_admin(ME):
            pass
        assert world.source.lock is None
        assert world.source.logs_in(login(Slot.A)), "a reader takes logins"
    world.clock += 0.5
    with world.source.as_admin(ME) as session:
        assert session.exists(A)


def test_who_lost_the_lock_in_a_fail_over_does_not_let_go_of_anothers(world: LivingWorld) -> None:
    with Ports(Invocation(world, "read_slots", EVENT, "me")).source.as_admin(ME):
        world.source.fail_over()
        world.clock += FAIL_OVER_SECONDS
        world.source.enter(ME, "another")
    assert world.source.lock == "another"


# PHP


def logins(world: LivingWorld) -> tuple[int, int]:
    return world.account(Slot.A).logins, world.account(Slot.B).logins


def test_php_logs_in_with_the_old_file_for_a_while_and_its_sessions_end_later(world: LivingWorld) -> None:
    world.file.publish(login(Slot.B), MARK)
    began = logins(world)
    world.pass_time(STALE_SECONDS / 2)
    assert logins(world)[0] > began[0]
    assert logins(world)[1] > began[1], "one process reads the new file at once, another is late"
    world.pass_time(STALE_SECONDS / 2)
    last = logins(world)
    world.pass_time(SESSION_SECONDS)
    assert logins(world)[0] == last[0]
    assert logins(world)[1] > last[1]
    assert [world.account(slot).sessions for slot in RING] == [1, 1]
    world.pass_time(0.5)
    assert [world.account(slot).sessions for slot in RING] == [0, 1]
    assert world.lingering() == [login(Slot.B)]


def test_a_file_that_is_written_again_as_it_was_has_no_past(world: LivingWorld) -> None:
    world.file.publish(login(Slot.A), MARK)
    assert world.file.past == ()


@pytest.mark.parametrize("password", [r"a\1b\g<1>$x'\\", "pässwörd-€", 'it\'s "a" %s'])
def test_what_php_reads_in_the_file_is_what_was_published(world: LivingWorld, password: str) -> None:
    world.file.publish(credential(A, password), MARK)
    assert world.file.held == credential(A, password)


# Pods


def test_a_rollout_proceeds_by_itself_after_a_status_that_is_about_the_one_before(world: LivingWorld) -> None:
    world.pods.restart("mark", "today")
    stale = world.pods.rollout()
    assert (stale.observed_generation, stale.updated) == (stale.generation - 1, stale.replicas_wanted), "as before the restart"
    seen = [progress(stale)]
    for seconds in (OBSERVED_SECONDS, ROLLED_SECONDS - OBSERVED_SECONDS):
        world.pass_time(seconds)
        seen.append(progress(world.pods.rollout()))
    assert seen == [Progress.WAITING, Progress.WAITING, Progress.COMPLETE]


def test_pods_of_before_a_restart_run_with_what_they_were_started_with_until_it_is_through(world: LivingWorld) -> None:
    before = world.secret.held
    world.secret.publish(login(Slot.B), MARK)
    world.pass_time(60.0)
    seen = [world.pods.environments]
    world.pods.restart("mark", "today")
    for seconds in (ROLLED_SECONDS - 0.5, 0.5):
        world.pass_time(seconds)
        seen.append(world.pods.environments)
    after = world.secret.held
    assert seen == [(before,), (before, after), (after,)], "and a Secret that changed restarts nobody"


def test_a_pod_that_died_is_missing_until_its_successor_is_ready(world: LivingWorld) -> None:
    world.pods.lose_one()
    assert progress(world.pods.rollout()) is Progress.WAITING
    world.pass_time(ROLLED_SECONDS)
    assert progress(world.pods.rollout()) is Progress.COMPLETE


# An invocation that is left lying


@dataclass(frozen=True)
class Call:
    """What a function was called with in an undisturbed run, and what came of it."""

    function: str
    event: dict[str, Any]
    name: str
    found: Snapshot
    boundaries: int
    outcome: Outcome
    left: Snapshot


def rotated(world: LivingWorld) -> list[Call]:
    """A whole execution over the shipped machine."""
    calls: list[Call] = []
    place = begun("run", "rotate")
    world.alive = {place.who.id}
    place, _ = settled(world, place)
    while not place.ended:
        function, event = function_at(place)
        found = world.snapshot()
        it = Invocation(world, function, event, f"{len(calls)}")
        outcome = it.run()
        calls.append(Call(function, event, it.name, found, len(it.seen.boundaries), outcome, world.snapshot()))
        place, wait = conclude(world, place, outcome, pending=False)
        world.pass_time(wait)
        while not place.ended and machine().at(place)["Type"] != "Task":
            place, wait = settled(world, place)
            world.pass_time(wait)
    assert place.state == "RotationSucceeded"
    return calls


def leaving_before(number: int) -> Callable[[Invocation, Boundary], None]:
    def before(it: Invocation, boundary: Boundary) -> None:
        if boundary.number == number:
            it.leave_lying()

    return before


@pytest.mark.parametrize("scenario", ["from A", "bootstrap", "drifted admin", "no dual passwords"])
def test_left_lying_before_any_boundary_and_told_the_same_it_does_the_same(scenario: str) -> None:
    """Every boundary of every call of a rotation; the world and the answer are compared as they are, to the last count."""
    world = SCENARIOS[scenario].world()
    calls = rotated(world)
    assert {"claim_rotation", "write_sqlconf", "flip_slot", "rotate_old_slot", "rotate_admin"} <= {call.function for call in calls}
    for call in calls:
        assert isinstance(call.outcome, Answered)
        for number in range(1, call.boundaries + 1):
            world.restore(call.found)
            lying = Invocation(world, call.function, call.event, call.name, before=leaving_before(number)).run()
            assert isinstance(lying, Left)
            assert lying.before.number == number
            again = Invocation(world, call.function, call.event, call.name, told=lying.told)
            assert again.run() == call.outcome
            assert world.snapshot() == call.left, f"{call.function}, left lying before {lying.before}"
            assert len(again.seen.boundaries) == call.boundaries - number + 1, "what it was told it did not do again"


def test_told_again_it_holds_the_lock_that_it_held() -> None:
    """RotateAdmin takes it twice: that it let go of the first is long ago when it holds the second."""
    world = SCENARIOS["from A"].world()
    (call,) = (one for one in rotated(world) if one.function == "rotate_admin")
    held: list[tuple[str | None, str | None]] = []
    for number in range(1, call.boundaries + 1):
        world.restore(call.found)
        lying = Invocation(world, call.function, call.event, call.name, before=leaving_before(number)).run()
        assert isinstance(lying, Left)
        found: list[str | None] = [world.source.lock]
        Invocation(
            world, call.function, call.event, call.name, told=lying.told, before=lambda *_, to=found: to.append(world.source.lock)
        ).run()
        held.append((found[0], found[1]))
    assert {before for before, _ in held} == {None, call.name}
    assert [now for _, now in held] == [before for before, _ in held]
