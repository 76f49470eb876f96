"""Blows to OpenBao while a rotation is under way: stopped for a while, sealed and unsealed, started again, from the end of every
state on. The run gets over it, or the next one carries it on; the application goes on with the login that it has read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local.faults import Fault
from local.load import Load
from local.shop.stack import SHOWN, Pace, login_of
from local.vault.server import OpenBao
from local.vault.stack import VaultShop
from tests.e2e.blows import FORWARD, RESTORE, SHOP, is_task
from tests.e2e.last_looks import check
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import more, whole

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
AWAY_SECONDS = 2.0
"""Longer than the application keeps what it has read, and than a function's first tries."""
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}
NOT_HERE = ("WaitForLogin", "CheckLogin", "EndAsSuperseded")


def stopped(vault: OpenBao) -> None:
    vault.stop()
    time.sleep(AWAY_SECONDS)
    vault.start_again()
    vault.unseal()


def sealed(vault: OpenBao) -> None:
    vault.seal()
    time.sleep(AWAY_SECONDS)
    vault.unseal()


def started_again(vault: OpenBao) -> None:
    """As fast as it can."""
    vault.stop()
    vault.start_again()
    vault.unseal()


BLOWS: dict[str, Callable[[OpenBao], None]] = {"stopped": stopped, "sealed": sealed, "started again": started_again}
STATES = {way: [state for state in SHOP.path(way) if is_task(state) and state not in NOT_HERE] for way in (FORWARD, RESTORE)}
IN_CI = ("sealed", FORWARD, "SyncUsers")
"""What comes next is the write."""


class KeptShop(VaultShop):
    kept = True


@pytest.fixture(scope="module")
def turns() -> Iterator[ShopTurns]:
    with KeptShop(PACE) as shop:
        with Load(shop.page, RATE, marker=SHOWN) as load:
            yield ShopTurns(shop, load)
        check(shop)


@pytest.fixture
def struck(turns: ShopTurns, request: pytest.FixtureRequest) -> Iterator[ShopTurns]:
    with turns.undisturbed(request, "Vault") as undisturbed:
        yield undisturbed


def cases() -> list[object]:
    every = [(blow, way, state) for blow in BLOWS for way, states in STATES.items() for state in states]
    assert IN_CI in every
    return [more(*one) if one == IN_CI else whole(*one) for one in every]


@pytest.mark.parametrize(("blow", "way", "state"), cases())
def test_a_rotation_outlives_it_and_leaves_nothing_half_done(blow: str, way: str, state: str, struck: ShopTurns) -> None:
    shop = struck.stack
    assert isinstance(shop, KeptShop)
    before = struck.active
    if way == RESTORE:
        shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, error=REFUSED))
    thread = threading.Thread(target=BLOWS[blow], args=(shop.vault,))
    struck.follow({state: thread.start})
    if thread.ident is not None:
        thread.join()
    shop.aws.clear_faults()
    if struck.active.username == before.username:  # it was rolled back, or ended before the flip: the next one is a rotation
        run = struck.run()
        assert run.outcome == "RotationSucceeded", run.cause
    assert not struck.accepts(before)
    assert {login_of(content) for content in shop.readable()} == {shop.used}, "a copy of what was withdrawn is left"
