"""WordPress on instances: its login rotates under load while instances are launched and ended, and no request fails."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from local.load import Load
from local.mysql import Login
from local.shop.stack import Pace
from local.wordpress.site import TITLE
from local.wordpress.stack import WordPress
from tests.e2e.last_looks import check
from tests.e2e.rotations import Turns
from tests.whole import only_in_the_whole

ROTATIONS = int(os.environ.get("ROTATIONS", "1"))
PACE = Pace(quiet_seconds=1, cache_seconds=1)
RATE = float(os.environ.get("RATE", "10"))
"""A page of WordPress takes some 30 ms of processor time: 40 a second want a machine that does nothing else."""
pytestmark = only_in_the_whole


class WordPressTurns(Turns):
    stack: WordPress

    def working_at_rest(self) -> tuple[Login, ...]:
        """Of two passwords of one user the one that is used."""
        return (self.active, self.admin)


@pytest.fixture(scope="module")
def turns() -> Iterator[WordPressTurns]:
    with WordPress(3, PACE) as stack:
        with Load(stack.page, RATE, marker=TITLE) as load:
            yield WordPressTurns(stack, load)
        check(stack)


@pytest.fixture(autouse=True)
def _no_request_fails(turns: WordPressTurns) -> Iterator[None]:
    start = time.time()
    yield
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []


def end_the_oldest(turns: WordPressTurns) -> None:
    fleet = turns.stack.fleet
    fleet.end(next(iter(fleet.instances.values())))


@pytest.mark.parametrize("number", range(ROTATIONS))
def test_one_is_launched_and_one_is_ended_in_a_rotation(number: int, turns: WordPressTurns) -> None:
    before, fleet = turns.active, turns.stack.fleet
    run = turns.follow({"WriteWpConfig": fleet.launch, "FlipSlot": lambda: end_the_oldest(turns)})
    assert run.outcome == "RotationSucceeded", run.cause
    assert not turns.accepts(before)
    assert len(fleet.instances) == 3
    turns.assert_at_rest()
    fleet.wait_until_serving()
