"""The shipped machine under real blows, forward and restoring, at every state: the next run finds an application that is served,
makes it whole and rotates it. No request fails (the fixture `rotations`)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local.mysql import Login
from tests.e2e.blows import (
    BRISK,
    FORWARD,
    LINGERING,
    ON_THE_WAY,
    ON_THE_WAY_BACK,
    OTHER_CONSUMERS,
    OTHER_MODES,
    RESTORE,
    Blows,
    Tally,
    works_or_waits,
)
from tests.e2e.hands import remove_target
from tests.e2e.lending import Lender
from tests.e2e.rotations import MEASURED, Rotations
from tests.e2e.shared import SharedStack
from tests.statemachine.machine import shipped, states

each_blow = pytest.mark.parametrize(
    ("state", "direction"),
    [(state, FORWARD) for state in ON_THE_WAY] + [(state, RESTORE) for state in ON_THE_WAY_BACK],
)


@pytest.fixture(scope="module")
def tally(shared: Lender[SharedStack], request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    rotations = shared.world.rotations
    for target in (BRISK, LINGERING):
        remove_target(rotations.stack, target)
    requests = rotations.requests_since(start)
    request.config.stash.setdefault(MEASURED, []).append(
        f"blows at {len(ON_THE_WAY)} states forward, {len(ON_THE_WAY_BACK)} restoring: {tally.kills} kills, {tally.stops} stops;"
        f" {tally.recovered} of {tally.blows} recovered; requests: {requests.served} served, {len(requests.failures)} failed"
    )


@pytest.fixture
def blows(rotations: Rotations, tally: Tally) -> Blows:
    return Blows(rotations, tally)


@pytest.fixture
def before(rotations: Rotations) -> list[Login]:
    """What the application and the admin use, to be retired by the end."""
    return [rotations.active, rotations.admin]


def test_every_state_that_works_or_waits_is_struck() -> None:
    missed = [name for name in states(shipped()) if works_or_waits(name) and name not in (*ON_THE_WAY, *ON_THE_WAY_BACK)]
    assert set(missed) == {*OTHER_MODES, *OTHER_CONSUMERS}


@pytest.mark.parametrize(("direction", "outcome"), [(FORWARD, "RotationSucceeded"), (RESTORE, "RolledBack")])
def test_a_rotation_outlives_the_death_of_every_function(
    direction: str, outcome: str, rotations: Rotations, blows: Blows, before: list[Login]
) -> None:
    run = blows.kill_everywhere(direction)
    assert run.outcome == outcome, run.cause
    assert (rotations.active in before) == (direction == RESTORE)
    rotations.assert_at_rest()
    blows.recover()
    assert [rotations.accepts(login) for login in before] == [False, False]


@each_blow
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(
    state: str, direction: str, rotations: Rotations, blows: Blows, before: list[Login]
) -> None:
    blows.stop_at(state, direction)
    blows.recover()
    assert [rotations.accepts(login) for login in before] == [False, False]
