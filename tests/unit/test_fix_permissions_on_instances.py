"""Mode fix-permissions where each instance has a file of its own: all are told, and asked again until each has done it."""

import pytest

from tests.faults.walk.whole import walk
from tests.worlds.fleet import FIRST, SECOND
from tests.worlds.wordpress import WordPressWorld

FOREVER = 100_000.0


@pytest.fixture
def world() -> WordPressWorld:
    world = WordPressWorld()
    world.as_for_long()
    return world


def owned(world: WordPressWorld) -> list[bool]:
    return [one.owned for one in world.instances.machines]


@pytest.mark.parametrize("already", [True, False])
def test_every_file_gets_its_owner_and_mode_and_nothing_else_changes(world: WordPressWorld, already: bool) -> None:
    before = world.holdings(), world.slots.labels(), world.application.labels()
    for name in (FIRST, SECOND):
        world.instances.change(name, owned=already)
    walked = walk(world, mode="fix-permissions")
    assert (walked.place.state, walked.calls) == ("PermissionsFixed", ("fix_permissions",) * 2)
    assert walked.place.frames[-1].data["fixed"]["changed"] == (not already)
    assert owned(world) == [True, True]
    assert (world.holdings(), world.slots.labels(), world.application.labels()) == before


def test_it_may_be_started_again(world: WordPressWorld) -> None:
    for name in ("run-1", "run-2"):
        assert walk(world, name=name, mode="fix-permissions").place.state == "PermissionsFixed"
    assert len(world.instances.commands) == 4


@pytest.mark.parametrize("reason", ["WpConfigReadOnly", "WpConfigMissing", "PhpMissing"])
def test_one_that_cannot_is_named_and_the_others_have_it(world: WordPressWorld, reason: str) -> None:
    world.instances.change(SECOND, refuses=reason)
    walked = walk(world, mode="fix-permissions")
    assert walked.place.state == "PermissionsNotFixed"
    assert f"FixPermissions failed with {reason}: instance {SECOND}" in walked.place.cause
    assert owned(world) == [True, False]


def test_one_that_does_not_answer_is_named_when_time_is_up(world: WordPressWorld) -> None:
    world.instances.change(SECOND, silent_until=world.clock + FOREVER)
    walked = walk(world, mode="fix-permissions")
    assert walked.place.state == "PermissionsNotFixed"
    assert "InstanceSilent" in walked.place.cause
    assert SECOND in walked.place.cause
    assert owned(world) == [True, False]


def test_nobody_in_service_is_said(world: WordPressWorld) -> None:
    world.instances.machines = ()
    walked = walk(world, mode="fix-permissions")
    assert walked.place.state == "PermissionsNotFixed"
    assert "InstancesMissing" in walked.place.cause
