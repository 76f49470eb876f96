"""All steps in their order: what must hold after every single write of a run, wherever it dies, and whoever carries it on."""

from collections.abc import Callable

import pytest
from rotation.core.model import Slot
from rotation.core.situation import Action
from rotation.steps.release_rotation import release_rotation

from tests.worlds.journal import Crash
from tests.worlds.run import Run
from tests.worlds.world import (
    ADMIN,
    ADMIN_PASSWORD,
    FORMER,
    FORMER_PASSWORD,
    LONGER,
    RING,
    USERS,
    MemoryWorld,
    credential,
    login,
)


def first_rotation(ring: tuple[Slot, ...] = RING) -> MemoryWorld:
    """The application uses none of the slots, and the secret holds what Terraform put there."""
    world = MemoryWorld(ring=ring)
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in ring[:2]:
        del world.source.accounts[USERS[slot]]
    return world


WORLDS: dict[str, tuple[Callable[[], MemoryWorld], Slot]] = {
    "from A to B": (MemoryWorld, Slot.B),
    "from B to A": (lambda: MemoryWorld(active=Slot.B), Slot.A),
    "without dual passwords": (lambda: MemoryWorld(dual_passwords=False), Slot.B),
    "without login counts": (lambda: MemoryWorld(counts_logins=False), Slot.B),
    "a first rotation": (first_rotation, Slot.A),
    "a ring of three, from A": (lambda: MemoryWorld(ring=LONGER), Slot.B),
    "a ring of three, from C": (lambda: MemoryWorld(ring=LONGER, active=Slot.C), Slot.A),
    "a first rotation of a ring of three": (lambda: first_rotation(LONGER), Slot.A),
}
each_world = pytest.mark.parametrize(("make", "to"), WORLDS.values(), ids=WORLDS)


class Watched:
    """A world that is looked at after every single write."""

    def __init__(self, make: Callable[[], MemoryWorld]) -> None:
        self.world = make()
        self.uses = self.world.file.held
        self.retired = {slot: login(slot) for slot in RING}
        self.world.journal.after_each_write = self.check

    def check(self) -> None:
        world, wrote = self.world, self.world.journal.writes[-1]
        assert all(world.accepts(consumer.held) for consumer in (world.file, world.secret)), f"the application is down: {wrote}"
        assert self._recorded(), f"a password in use is in no labelled version: {wrote}"
        assert world.source.accounts[ADMIN].password in self._admin_passwords(), f"nobody knows the admin's password: {wrote}"
        if world.source.dual_passwords:
            assert world.accepts(world.current_admin.credential), f"what is current for the admin does not log in: {wrote}"
        if self.uses.username != FORMER or world.current.tag:
            assert world.accepts(world.current.credential(world.current.active)), f"what is current does not log in: {wrote}"
        if world.file.held == world.current.credential(world.current.active):
            self.uses = world.file.held
        assert world.accepts(self.uses), f"the way back is closed: {wrote}"

    def _recorded(self) -> bool:
        labels = self.world.slots.labels()
        versions = [version for version in (labels.current, labels.pending) if version]
        texts = [self.world.slots.read(version).reveal() for version in versions]
        in_use = {consumer.held.password.reveal() for consumer in (self.world.file, self.world.secret)} - {FORMER_PASSWORD}
        return all(any(password in text for text in texts) for password in in_use)

    def _admin_passwords(self) -> str:
        labels = self.world.admin.labels()
        return "".join(self.world.admin.read(version).reveal() for version in (labels.current, labels.pending) if version)


def repeat_after_a_crash(run: Run) -> None:
    """As the state machine does: the state that died is asked again."""
    for _, state in run.states():
        try:
            state()
        except Crash:
            state()


def carry_on(world: MemoryWorld, name: str) -> None:
    """A run of mode rotate: what is found to be finished first is finished, then it goes on to a rotation of its own."""
    for number in (1, 2):
        run = Run(world, f"{name}-{number}")
        repeat_after_a_crash(run)
        if run.event["situation"]["action"] != Action.RETIRE:
            return


def assert_done(watched: Watched, to: Slot) -> None:
    world = watched.world
    current = world.current
    assert (world.slots.labels().pending, world.admin.labels().pending) == (None, None)
    assert current.active is to
    for consumer in (world.file, world.secret):
        assert consumer.held.same_login(current.credential(to))
    assert all(world.accepts(current.credential(slot)) for slot in (to, current.leaves))
    assert world.accepts(world.current_admin.credential)
    assert [account.old for account in world.source.accounts.values()] == [None] * len(world.source.accounts)
    assert not world.accepts(credential(ADMIN, ADMIN_PASSWORD))
    assert not world.accepts(login(world.current.before(to))), "the retired password still logs in"
    assert current.previous is None


@each_world
def test_a_run_ends_with_the_other_slot_in_use_and_new_passwords(make: Callable[[], MemoryWorld], to: Slot) -> None:
    watched = Watched(make)
    Run(watched.world).to_end()
    assert_done(watched, to)


@each_world
@pytest.mark.parametrize("done", [False, True])
def test_wherever_a_function_dies_asking_it_again_leads_to_the_same_and_does_nothing_twice(
    make: Callable[[], MemoryWorld], to: Slot, done: bool
) -> None:
    undisturbed = make()
    Run(undisturbed).to_end()
    for write in range(len(undisturbed.journal.writes)):
        watched = Watched(make)
        watched.world.journal.crash(write, done=done)
        repeat_after_a_crash(Run(watched.world))
        assert_done(watched, to)
        assert once(watched.world.journal.writes) == once(undisturbed.journal.writes)


def once(writes: list[str]) -> list[str]:
    """What may not be done twice. A discard may; a grant that a crash left out is SyncUsers' before the user is used."""
    return [write for write in writes if not write.startswith(("discard", "grant"))]


@each_world
@pytest.mark.parametrize("done", [False, True])
def test_wherever_a_run_is_stopped_the_next_one_ends_it(make: Callable[[], MemoryWorld], to: Slot, done: bool) -> None:
    undisturbed = make()
    Run(undisturbed).to_end()
    for write in range(len(undisturbed.journal.writes)):
        watched = Watched(make)
        watched.world.journal.crash(write, done=done)
        with pytest.raises(Crash):
            Run(watched.world).to_end()
        carry_on(watched.world, "next")
        assert watched.world.slots.labels().pending is None
        assert_done(watched, watched.world.current.active)


@each_world
def test_stopped_again_and_again_it_still_ends(make: Callable[[], MemoryWorld], to: Slot) -> None:
    """Every run dies one write later than the one before it began."""
    watched = Watched(make)
    for number in range(8):
        watched.world.journal.crash(number, done=bool(number % 2))
        with pytest.raises(Crash):
            Run(watched.world, f"run-{number}").to_end()
    carry_on(watched.world, "last")
    assert_done(watched, watched.world.current.active)


def rolled_back(watched: Watched) -> None:
    before = watched.world.file.held
    run = Run(watched.world).to_flip()
    assert run.close_flip()["outcome"] == "closed"
    run.publish()
    run.ask(release_rotation)
    assert watched.world.file.held == before


@each_world
def test_after_a_rollback_the_application_is_where_it_was_and_the_next_run_rotates(
    make: Callable[[], MemoryWorld], to: Slot
) -> None:
    watched = Watched(make)
    rolled_back(watched)
    carry_on(watched.world, "next")
    assert_done(watched, to)


@each_world
def test_nothing_of_a_run_shows_a_password(
    make: Callable[[], MemoryWorld], to: Slot, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(make)
    run = Run(watched.world).to_end()
    assert run.answers
    shown = repr(run.answers) + repr(run.event) + "".join(capfd.readouterr()) + caplog.text
    assert not [password for password in watched.world.passwords if password in shown]
