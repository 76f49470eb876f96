"""Fifty instances in one execution: what it carries and what its history holds stay small, and no message lists them all."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rotation.core.fleet import LATEST_SECONDS
from rotation.core.model import Slot
from rotation.core.rollout import EARLY_POLL_SECONDS

from tests.faults.walk.whole import Walked, walk
from tests.worlds.fleet import LAUNCHED, SECOND
from tests.worlds.invocation import known_passwords
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import USERS

MANY = 50
SLOW, SLOW_SECONDS = 10, 25.0
BOOT_SECONDS = 300.0
MOST_BYTES, MOST_EVENTS = 32 * 1024, 2_000
NAMES = re.compile(r"i-\d+")
FEW = 8
"""A cause names a few instances of each kind."""


class Many(WordPressWorld):
    """With the proportions that the template ships."""

    def __init__(self) -> None:
        super().__init__(boot_seconds=BOOT_SECONDS)
        times = {"quiet_seconds": 120, "drain_deadline_seconds": 3600, "rollout_deadline_seconds": 3600}
        self.target = replace(self.target, **times)
        machines = [replace(self.instances.machine(SECOND), id=f"i-{number}") for number in range(100, 100 + MANY)]
        slow = [replace(one, delay=SLOW_SECONDS) for one in machines[-SLOW:]]
        self.instances.kept_seconds = LATEST_SECONDS
        self.instances.machines = (*machines[:-SLOW], *slow)


@pytest.fixture
def world() -> Iterator[Many]:
    with known_passwords():
        world = Many()
        world.as_for_long()
        yield world


def assert_small(walked: Walked) -> None:
    assert walked.largest < MOST_BYTES
    assert walked.events < MOST_EVENTS


def test_fifty_are_rotated_in_one_execution(world: Many) -> None:
    walked = walk(world, {"put_secret": world.instances.launch})
    assert walked.place.state == "RotationSucceeded", walked.place.cause
    assert walked.calls.count("write_wp_config") > SLOW_SECONDS / EARLY_POLL_SECONDS, "who is slow is waited for"
    held = {one.holds.username for one in world.instances.machines}
    assert (len(world.instances.machines), held) == (MANY + 1, {USERS[Slot.B]})
    assert world.instances.machine(LAUNCHED).serves
    assert_small(walked)


def test_fifty_that_are_silent_are_not_listed(world: Many) -> None:
    for one in world.instances.machines[1:]:
        world.instances.change(one.id, silent_until=world.clock + 100_000)
    walked = walk(world)
    assert walked.place.state in ("RolledBack", "RestoreFailed")
    assert "InstanceSilent" in walked.place.cause
    assert 0 < len(set(NAMES.findall(walked.place.cause))) <= FEW
    assert "and 46 more" in walked.place.cause
    assert walked.largest < MOST_BYTES
