"""The shipped machine under real blows, forward and restoring, at every state: the next run finds an application that is served,
makes it whole and rotates it. No request fails (the fixture `rotations`). What OpenEMR has not is struck in test_shop_blows.py.
Every day it is stopped right before the flip and on the way back. CI adds some states, and kills every function on the way forward;
WHOLE=1 adds all others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.blows import (
    BRISK,
    BUTTON,
    FORWARD,
    IN_SWARM,
    INSTANCES,
    ISSUED,
    ISSUED_INTO_A_VAULT,
    LINGERING,
    NEVER_IN_SWARM,
    OF_A_FUNCTION,
    OPENEMR,
    OTHER_MODES,
    RESTORE,
    SHOP,
    SIGNED,
    WORDS,
    Blows,
    Tally,
    Way,
    works_or_waits,
)
from tests.e2e.hands import remove_target
from tests.e2e.lending import Lender
from tests.e2e.rotations import MEASURED, Rotations
from tests.e2e.shared import SharedStack
from tests.statemachine.machine import shipped, states

EVERY_DAY = {("FlipSlot", FORWARD), ("CloseFlip", RESTORE)}
WAYS = (OPENEMR, SHOP, IN_SWARM, OF_A_FUNCTION, ISSUED, ISSUED_INTO_A_VAULT, SIGNED)
IN_CI = {(state, FORWARD) for state in ("WriteSqlconf", "RotateOldSlot", "DiscardOldPassword")}


@pytest.fixture(scope="module")
def tally(shared: Lender[SharedStack], request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    rotations = shared.world.rotations
    for target in (BRISK, LINGERING):
        remove_target(rotations.stack, target)
    request.config.stash.setdefault(MEASURED, []).append(tally.line(str(OPENEMR), rotations.requests_since(start)))


@pytest.fixture
def blows(rotations: Rotations, tally: Tally) -> Blows:
    return Blows(rotations, tally, OPENEMR)


def at_work() -> set[str]:
    return {name for name in states(shipped()) if works_or_waits(name)}


def test_every_state_that_works_or_waits_is_struck() -> None:
    struck = {name for way in WAYS for name, _ in way.struck}
    elsewhere = {BUTTON, *INSTANCES, *NEVER_IN_SWARM}
    assert at_work() - struck == {*OTHER_MODES, WORDS, *elsewhere}


@pytest.mark.parametrize("way", WAYS)
def test_each_application_s_way_strikes_every_state_or_says_that_it_has_it_not(way: Way) -> None:
    struck = {name for name, _ in way.struck}
    assert at_work() - struck == {*OTHER_MODES, WORDS, *way.others} - struck
    assert set(way.others) <= at_work()


@pytest.mark.parametrize("direction", OPENEMR.ways(FORWARD))
def test_a_rotation_outlives_the_death_of_every_function(direction: str, blows: Blows) -> None:
    blows.assert_outlived(direction)


@pytest.mark.parametrize(("state", "direction"), OPENEMR.stops(EVERY_DAY, IN_CI))
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(state: str, direction: str, blows: Blows) -> None:
    blows.assert_carried_on(state, direction)
