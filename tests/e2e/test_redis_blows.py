"""Redis is started again while a rotation is under way, from the end of every state on: with the users that it has saved, and with
those of before the rotation, as a node that lost its disk has them. What is lost mode sync-users gives back, and the next rotations
end well. While the node is away the application has no data, so no request is counted until it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from local.load import Load
from local.redis_server import RedisServer
from local.shop.databases import RedisSession
from local.shop.one_user import OnRedis
from local.shop.stack import SHOWN, Pace
from tests.e2e.blows import FORWARD, SHOP, is_task
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import only_in_the_whole

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
NOT_HERE = ("WaitForLogin", "CheckLogin", "EndAsSuperseded")
STATES = [state for state in SHOP.path(FORWARD) if is_task(state) and state not in NOT_HERE]
SERVED_SECONDS = 2.0


@pytest.fixture(scope="module")
def stack() -> Iterator[OnRedis]:
    with OnRedis(PACE) as shop:
        yield shop
        check(shop)


@pytest.fixture(scope="module")
def all_turns(stack: OnRedis) -> Iterator[ShopTurns]:
    with Load(stack.page, RATE, marker=SHOWN) as load:
        yield ShopTurns(stack, load)


@pytest.fixture
def turns(all_turns: ShopTurns, request: pytest.FixtureRequest) -> Iterator[ShopTurns]:
    """At rest before and after; then every request is served."""
    all_turns.assert_at_rest()
    yield all_turns
    all_turns.assert_at_rest()
    back = time.time()
    time.sleep(SERVED_SECONDS)
    requests = all_turns.requests_since(back)
    assert requests.served > 0
    assert requests.failures == []
    request.config.stash.setdefault(MEASURED, []).append(f"{request.node.name}: {requests.served} served afterwards, 0 failed")


def started_again(node: RedisServer) -> None:
    node.stop()
    begun(node)


def started_with(node: RedisServer, users: bytes) -> None:
    """What it had saved meanwhile is gone."""
    node.kill()
    node.users.write_bytes(users)
    begun(node)


def begun(node: RedisServer) -> None:
    """With its data, which is in memory alone here."""
    node.start()
    node.execute("SET", RedisSession.KEY, SHOWN)


def rotated_with(turns: ShopTurns, state: str, blow: threading.Thread) -> None:
    """However that one ends, a rotation that ends well comes after it, unless it was one."""
    before = turns.active
    turns.follow({state: blow.start})
    if blow.ident is not None:
        blow.join()
    if turns.active == before:
        run = turns.run()
        assert run.outcome == "RotationSucceeded", run.cause
    assert not turns.accepts(before)


@only_in_the_whole
@pytest.mark.parametrize("state", STATES)
def test_a_node_that_is_started_again_has_its_users_and_the_rotation_is_carried_on(state: str, turns: ShopTurns) -> None:
    assert isinstance(turns.stack, OnRedis)
    rotated_with(turns, state, threading.Thread(target=started_again, args=(turns.stack.server,)))


@only_in_the_whole
@pytest.mark.parametrize("state", ["SyncUsers", "FlipSlot"])
def test_what_a_node_has_lost_mode_sync_users_gives_back(state: str, turns: ShopTurns) -> None:
    assert isinstance(turns.stack, OnRedis)
    node, before = turns.stack.server, turns.active
    blow = threading.Thread(target=started_with, args=(node, node.users.read_bytes()))
    turns.follow({state: blow.start})
    blow.join()
    synced = turns.run(mode="sync-users")
    assert synced.outcome == "UsersSynced", synced.cause
    for _ in range(2):  # where its end was never recorded, what was used before is the next one again
        run = turns.run()
        assert run.outcome == "RotationSucceeded", run.cause
    assert not turns.accepts(before)
