"""What may be wrong with instances: the run has a clear end, the application goes on as before, nothing is half done."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rotation.core.fleet import ENDS, REASONS, Status
from rotation.core.model import Slot

from tests.faults.walk.whole import Walked, walk
from tests.worlds.fleet import FIRST, SECOND
from tests.worlds.invocation import known_passwords
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import USERS, login

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
@pytest.mark.parametrize("reason", sorted(REASONS.keys() - {"PageBad"}))
def test_an_instance_that_cannot_be_written_is_named_and_all_is_as_before(reason: str, name: str, world: WordPressWorld) -> None:
    """The first that is told, or one of the others. Some cannot even say that they hold what they had: nobody has changed it."""
    world.instances.change(name, refuses=reason)
    assert_rolled_back(walk(world), world, reason, f"instance {name}")


@pytest.mark.parametrize("what", [{"refuses": "PhpMissing"}, {"silent_until": float("inf")}], ids=["no PHP", "offline"])
def test_it_ends_so_each_time_however_often_it_is_tried(what: dict[str, Any], world: WordPressWorld) -> None:
    """Each way back makes another version of the same login current."""
    walk(world)
    before = world.held
    world.instances.change(SECOND, **what)
    for name in ("run-2", "run-3", "run-4"):
        assert walk(world, name=name).place.state == "RolledBack"
        assert world.holdings() == dict.fromkeys(world.holdings(), before)


def test_the_next_rotation_succeeds_once_that_is_mended(world: WordPressWorld) -> None:
    world.instances.change(FIRST, refuses="PhpMissing")
    walk(world)
    world.instances.change(FIRST, refuses="")
    assert walk(world, name="run-2").place.state == "RotationSucceeded"
    assert {one.username for one in world.holdings().values()} == {USERS[Slot.B]}


def taken(world: WordPressWorld, **what: Any) -> Callable[[], object]:
    """What becomes of the first once it was written: its page is bad, and it cannot be told any more."""
    world.instances.change(FIRST, shows=False)
    return lambda: world.instances.change(FIRST, **what)


def test_one_that_was_written_and_then_cannot_be_is_for_a_person(world: WordPressWorld) -> None:
    """Its PHP was taken away in between: it still holds what is taken back, which still works."""
    walked = walk(world, {"close_flip": taken(world, refuses="PhpMissing")})
    assert walked.place.state == "RestoreFailed"
    assert f"PhpMissing: instance {FIRST}" in walked.place.cause
    assert {name: world.accepts(one) for name, one in world.holdings().items()} == dict.fromkeys(world.holdings(), True)
    assert world.holdings()[FIRST].username == USERS[Slot.B]
    world.instances.change(FIRST, refuses="")
    assert walk(world, name="run-2", mode="resume").place.state == "Restored"
    assert_as_before(world)


def test_one_that_was_written_and_then_is_offline_is_for_a_person(world: WordPressWorld) -> None:
    walked = walk(world, {"close_flip": taken(world, silent_until=world.clock + FOREVER)})
    assert walked.place.state == "RestoreFailed"
    assert "InstanceSilent" in walked.place.cause
    assert FIRST in walked.place.cause
    assert all(world.accepts(one) for one in world.holdings().values())


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
    """Nobody has told it anything: it holds what it had."""
    world.instances.change(name, silent_until=world.clock + FOREVER)
    assert_rolled_back(walk(world), world, "InstanceSilent", name)
