"""The shop whose application reads its login from a path of a real OpenBao, under load: no request fails, what is withdrawn is
refused, its copies are gone, and the canary is nowhere, in OpenBao's audit log neither."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local.faults import Fault
from local.load import Load
from local.mysql import Login
from local.shop.stack import OTHERS, SHOWN, Pace, login_of
from local.vault.stack import VaultShop
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import only_in_the_whole, only_with_more

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}


@pytest.fixture(scope="module")
def shop() -> Iterator[VaultShop]:
    with VaultShop(PACE) as shop:
        yield shop
        check(shop)
        assert shop.vault.audit_log.stat().st_size > 0, "it was searched too"


@pytest.fixture(scope="module")
def under_load(shop: VaultShop) -> Iterator[ShopTurns]:
    with Load(shop.page, RATE, marker=SHOWN) as load:
        yield ShopTurns(shop, load)


@pytest.fixture
def turns(under_load: ShopTurns, request: pytest.FixtureRequest) -> Iterator[ShopTurns]:
    """At rest before and after, and no request fails meanwhile."""
    start, turns = time.time(), under_load
    turns.assert_at_rest()
    yield turns
    turns.assert_at_rest()
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []
    request.config.stash.setdefault(MEASURED, []).append(f"Vault, {request.node.name}: {requests.served} served, 0 failed")


def others(shop: VaultShop) -> dict[str, object]:
    return {key: value for key, value in shop.content().items() if key in OTHERS}


def logins(shop: VaultShop) -> list[Login]:
    return [login_of(content) for content in shop.readable()]


def test_a_rotation_leaves_no_copy_of_what_it_withdrew(shop: VaultShop, turns: ShopTurns) -> None:
    before = shop.used
    turns.assert_rotates()
    assert others(shop) == OTHERS
    assert logins(shop) == [shop.used] != [before]


@only_with_more
def test_one_that_fails_is_rolled_back_by_a_version_more(shop: VaultShop, turns: ShopTurns) -> None:
    before = shop.used
    shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, error=REFUSED))
    run = turns.run()
    assert run.outcome == "RolledBack", run.cause
    assert shop.used == before
    assert [turns.accepts(login) for login in logins(shop)] == [True] * len(logins(shop))


@only_in_the_whole
def test_verify_finds_all_in_order_and_writes_nothing(shop: VaultShop, turns: ShopTurns) -> None:
    before = shop.readable()
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    assert shop.readable() == before
