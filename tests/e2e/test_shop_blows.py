"""Real blows to the ring on PostgreSQL behind pgbouncer, under load, at every state of the shipped machine: as test_blows.py has
them for OpenEMR. Every day at one state; CI adds those that OpenEMR has not, and one direction;
WHOLE=1 adds all others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local.load import Load
from local.shop.proxied import Shop
from local.shop.stack import SHOWN, Pace
from tests.e2e.blows import FORWARD, RESTORE, RETIRE, SHOP, Blows, Tally
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5, proxy_seconds=0.7)
EVERY_DAY = {("PutSecret", RETIRE)}
IN_CI = {("PutSecret", FORWARD), ("CheckLogin", RETIRE), ("PutSecret", RESTORE)}


@pytest.fixture(scope="module")
def turns() -> Iterator[ShopTurns]:
    with Shop(pace=PACE) as shop:
        with Load(shop.page, RATE, marker=SHOWN) as load:
            yield ShopTurns(shop, load)
        check(shop)


@pytest.fixture(scope="module")
def tally(turns: ShopTurns, request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    request.config.stash.setdefault(MEASURED, []).append(tally.line(f"the shop's {SHOP}", turns.requests_since(start)))


@pytest.fixture
def blows(turns: ShopTurns, tally: Tally) -> Iterator[Blows]:
    """No request fails, whatever the test does."""
    start = time.time()
    turns.stack.aws.clear_faults()
    yield Blows(turns, tally, SHOP)
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []


@pytest.mark.parametrize("direction", SHOP.ways(FORWARD))
def test_a_rotation_outlives_the_death_of_every_function(direction: str, blows: Blows) -> None:
    blows.assert_outlived(direction)


@pytest.mark.parametrize(("state", "direction"), SHOP.stops(EVERY_DAY, IN_CI))
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(state: str, direction: str, blows: Blows) -> None:
    blows.assert_carried_on(state, direction)
