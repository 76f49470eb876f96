"""What the living world has on instances: commands that take their time, come late or never, and machines that come and go."""

from collections.abc import Callable

import pytest
from rotation.core.fleet import LOOK, WRITE, Place, Status, Telling
from rotation.core.model import Mark, Mode, Slot
from rotation.core.situation import Action, decide
from rotation.protocol.survey import survey

from tests.worlds.fleet import BOOT_SECONDS, COMMAND_SECONDS, FIRST, LAUNCHED, SECOND
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import LONGER, USERS, login

A, B = login(Slot.A), login(Slot.B)


@pytest.fixture
def world() -> WordPressWorld:
    return WordPressWorld()


def put(world: WordPressWorld) -> str:
    version: str = world.rotated.put(B, Mark("a test's"))
    return version


def tell(world: WordPressWorld, *names: str) -> None:
    world.instances.tell(Telling(WRITE, put(world)), names or [FIRST])


CHANGES: dict[str, Callable[[WordPressWorld], object]] = {
    "a version that is put": put,
    "a command": tell,
    "a launch": lambda world: world.instances.launch(),
    "an end": lambda world: world.instances.end(FIRST),
    "a boot": lambda world: world.instances.reboot(FIRST),
    "a file": lambda world: world.instances.change(FIRST, holds=B),
    "an agent": lambda world: world.instances.change(FIRST, silent_until=world.clock + 5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_after_a_snapshot_is_seen_and_undone(
    world: WordPressWorld, change: Callable[[WordPressWorld], object]
) -> None:
    kept, key = world.snapshot(), world.key()
    for _ in range(2):
        change(world)
        assert world.key() != key
        world.restore(kept)
        assert world.key() == key


def test_a_command_has_written_the_file_a_while_after_it_was_sent(world: WordPressWorld) -> None:
    tell(world)
    assert world.instances.machine(FIRST).holds == A
    world.pass_time(2)
    assert (world.instances.machine(FIRST).holds, world.instances.machine(SECOND).holds) == (B, A)
    assert world.holdings() == {"the application's secret": A, FIRST: B, SECOND: A}


def test_requests_that_have_begun_keep_the_old_login_for_a_while(world: WordPressWorld) -> None:
    world.instances.change(SECOND, holds=B)
    tell(world)
    world.pass_time(2)
    assert {one.username for one in world.lingering()} == {USERS[Slot.A], USERS[Slot.B]}
    world.pass_time(10)
    assert [one.username for one in world.lingering()] == [USERS[Slot.B]]


def test_a_command_that_nobody_takes_has_ended_when_its_time_is_up(world: WordPressWorld) -> None:
    world.instances.change(FIRST, silent_until=world.clock + 100)
    tell(world)
    world.pass_time(COMMAND_SECONDS + 1)
    (answer,) = world.instances.answers(0)
    assert (answer.status, world.instances.machine(FIRST).holds) == (Status.NOT_DELIVERED, A)


def test_who_is_launched_boots_with_what_was_current_then(world: WordPressWorld) -> None:
    world.instances.launch()
    world.traffic().publish(B, Mark("a test's"))
    assert LAUNCHED not in world.holdings()
    world.pass_time(BOOT_SECONDS)
    assert world.holdings()[LAUNCHED] == A
    assert {one.id: one.place for one in world.instances.instances()}[LAUNCHED] is Place.BOOTS
    world.pass_time(3)
    assert {one.id: one.place for one in world.instances.instances()}[LAUNCHED] is Place.SERVES


def test_one_that_boots_says_nothing_of_what_it_will_hold(world: WordPressWorld) -> None:
    world.instances.launch()
    world.instances.tell(Telling(LOOK, world.application.labels().current), [LAUNCHED])
    world.pass_time(2)
    assert [one.holds for one in world.instances.answers(0)] == ["other"]


def test_one_is_always_left(world: WordPressWorld) -> None:
    for name in (FIRST, SECOND):
        world.instances.end(name)
    assert [one.id for one in world.instances.machines] == [SECOND]


# What instances were told of and nobody made current


def test_mode_resume_puts_back_what_instances_were_told_of(world: WordPressWorld) -> None:
    """The secret itself is where it was: the way back was cut short."""
    assert decide(survey(world, "run-2", "run-2"), Mode.RESUME).action is Action.NOTHING
    tell(world)
    world.pass_time(2)
    decision = decide(survey(world, "run-2", "run-2"), Mode.RESUME)
    assert (decision.action, decision.slot) == (Action.RESTORE, Slot.A)


def test_in_a_longer_ring_instances_on_the_next_user_are_the_application_s_own() -> None:
    world = WordPressWorld(ring=LONGER)
    tell(world)
    world.pass_time(2)
    assert world.account(Slot.B).sessions
    assert decide(survey(world, "run-2", "run-2")).slot is Slot.B


def test_what_became_current_is_told_to_nobody_any_more(world: WordPressWorld) -> None:
    put(world)
    assert world.rotated.told().same_login(B)
    world.traffic().publish(B, Mark("a test's"))
    assert world.rotated.told() is None
