"""What may be wrong with instances: the run has a clear end, the application goes on as before, nothing is half done."""

from collections.abc import Callable, Iterator

import pytest
from rotation.core.fleet import ENDS, REASONS, Status
from rotation.core.model import Slot

from tests.faults.walk.whole import Walked, walk
from tests.worlds.fleet import FIRST, LOOKS, SECOND
from tests.worlds.invocation import known_passwords
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import login

FOREVER = 100_000.0
A = login(Slot.A)


@pytest.fixture
def world() -> Iterator[WordPressWorld]:
    with known_passwords():
        world = WordPressWorld()
        world.as_for_long()
        yield world


def assert_serves(world: WordPressWorld) -> None:
    assert {name: one.username for name, one in world.holdings().items()} == dict.fromkeys(world.holdings(), A.username)
    assert world.accepts(A)


def assert_as_before(world: WordPressWorld) -> None:
    assert_serves(world)
    assert world.slots.labels().pending is None
    assert world.application.labels().pending is None


def assert_rolled_back(walked: Walked, world: WordPressWorld, *said: str) -> None:
    assert walked.place.state == "RolledBack", walked.place.cause
    for text in said:
        assert text in walked.place.cause
    assert_as_before(world)


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize("reason", LOOKS)
def test_an_instance_whose_file_cannot_be_written_is_named_and_all_is_as_before(
    reason: str, name: str, world: WordPressWorld
) -> None:
    """The first that is told, or one of the others."""
    world.instances.change(name, refuses=reason)
    assert_rolled_back(walk(world), world, reason, f"instance {name}")


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize("reason", sorted(REASONS.keys() - {*LOOKS, "PageBad"}))
def test_an_instance_whose_file_cannot_even_be_read_is_named_and_a_person_has_to_look(
    reason: str, name: str, world: WordPressWorld
) -> None:
    """It cannot say on the way back that it holds what it had."""
    world.instances.change(name, refuses=reason)
    walked = walk(world)
    assert walked.place.state == "RestoreFailed"
    assert reason in walked.place.cause
    assert f"instance {name}" in walked.place.cause
    assert_serves(world)


def test_it_rolls_back_by_the_next_run_once_that_is_mended(world: WordPressWorld) -> None:
    world.instances.change(FIRST, refuses="PhpMissing")
    walk(world)
    world.instances.change(FIRST, refuses="")
    assert walk(world, name="run-2", mode="resume").place.state == "Restored"
    assert_as_before(world)


@pytest.mark.parametrize("status", [one for one in ENDS if one is not Status.NOT_DELIVERED])
def test_a_command_that_ends_badly_is_told_by_its_name_and_all_is_as_before(status: Status, world: WordPressWorld) -> None:
    """A person has cancelled it, or it was lost three times."""
    world.instances.change(FIRST, ends=status)
    assert_rolled_back(walk(world), world, ENDS[status].__name__, f"instance {FIRST}")


NOBODY: dict[str, Callable[[WordPressWorld], object]] = {
    "none has the tag": lambda world: setattr(world.instances, "machines", ()),
    "all boot": lambda world: [world.instances.change(one, launched=world.clock) for one in (FIRST, SECOND)],
}


@pytest.mark.parametrize("what", NOBODY)
def test_nobody_in_service_is_refused_before_anything_is_touched(what: str, world: WordPressWorld) -> None:
    NOBODY[what](world)
    walked = walk(world)
    assert walked.place.state == "RotationRefused"
    assert "InstancesMissing" in walked.place.cause
    assert "claim_rotation" not in walked.calls
    assert world.accepts(A)


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_one_that_is_offline_is_named_and_keeps_what_it_has(name: str, world: WordPressWorld) -> None:
    """Nobody knows what it holds, so a person has to look: the others are back, and both logins work."""
    world.instances.change(name, silent_until=world.clock + FOREVER)
    walked = walk(world)
    assert walked.place.state == "RestoreFailed"
    assert "InstanceSilent" in walked.place.cause
    assert name in walked.place.cause
    assert_serves(world)
