"""The shop whose login stands in an appliance, where the example's function puts it, under load: no request fails, what is
withdrawn is refused, and the canary is nowhere, in the function's log neither. Every state is stopped, every function killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.appliance.stack import ApplianceShop
from local.faults import Fault
from local.load import Load
from local.shop.stack import OTHERS, SHOWN, Pace, login_of
from tests.e2e.blows import FORWARD, OF_A_FUNCTION, Blows, Tally
from tests.e2e.hands import document, put_target
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import more, only_with_more, whole

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}
IN_CI = {("PutSecret", FORWARD), ("WaitForEverybody", FORWARD)}


@pytest.fixture(scope="module")
def shop() -> Iterator[ApplianceShop]:
    with ApplianceShop(PACE) as shop:
        yield shop
        assert (shop.logs / "put-shop.log").stat().st_size > 0, "it is searched too"
        check(shop)


@pytest.fixture(scope="module")
def under_load(shop: ApplianceShop) -> Iterator[ShopTurns]:
    with Load(shop.page, RATE, marker=SHOWN) as load:
        yield ShopTurns(shop, load)


@pytest.fixture
def turns(under_load: ShopTurns, request: pytest.FixtureRequest) -> Iterator[ShopTurns]:
    with under_load.undisturbed(request, "a function") as turns:
        yield turns


def current(shop: ApplianceShop) -> str:
    stages = shop.aws.client("secretsmanager").describe_secret(SecretId=shop.handed)["VersionIdsToStages"]
    return next(version for version, labels in stages.items() if "AWSCURRENT" in labels)


def test_a_rotation_is_put_by_the_function_and_waits_until_every_device_has_it(shop: ApplianceShop, turns: ShopTurns) -> None:
    before, writes = shop.used, len(shop.appliance.writes)
    run = turns.assert_rotates()
    assert shop.used != before
    assert len(shop.appliance.writes) == writes + 1
    assert shop.appliance.held.version == current(shop)
    handed = shop.secret(shop.handed_secret)
    assert login_of(handed) == shop.used
    assert {key: handed[key] for key in OTHERS} == OTHERS
    assert "WaitForEverybody" in [visit.state for visit in run.visits]


@only_with_more
def test_one_that_fails_is_rolled_back_by_a_version_more(shop: ApplianceShop, turns: ShopTurns) -> None:
    before = shop.used
    shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, error=REFUSED))
    run = turns.run()
    assert run.outcome == "RolledBack", run.cause
    assert shop.used == before
    assert shop.appliance.held.version == current(shop)


@only_with_more
def test_the_user_s_function_may_be_killed_at_any_time(shop: ApplianceShop, turns: ShopTurns) -> None:
    for at in ("start", "end", 0.02, 0.05):
        shop.aws.fail(Fault("put-shop", match={"verb": "put"}, at=at))
        turns.assert_rotates()


@only_with_more
def test_verify_finds_all_in_order_and_puts_nothing(shop: ApplianceShop, turns: ShopTurns) -> None:
    before = list(shop.appliance.writes)
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    assert shop.appliance.writes == before


def _another_function(one: dict[str, Any]) -> None:
    one["function"] = one["function"].replace("put-shop", "nobody")


def _another_alias(one: dict[str, Any]) -> None:
    one["function"] = one["function"].replace(":live", ":dead")


def _another_region(one: dict[str, Any]) -> None:
    one["function"] = one["function"].replace("us-east-1", "eu-west-1")


def _latest(one: dict[str, Any]) -> None:
    one["function"] = one["function"].replace(":live", ":$LATEST")


def _no_secret(one: dict[str, Any]) -> None:
    del one["secret"]


def _the_record(one: dict[str, Any]) -> None:
    one["secret"] = "the record's"


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str, str]] = {
    "no such function": (_another_function, "ConsumerFunctionMissing", "nobody:live"),
    "no such alias": (_another_alias, "ConsumerFunctionMissing", "put-shop:dead"),
    "a function in another region": (_another_region, "TargetInvalid", "name one in the function's region"),
    "$LATEST": (_latest, "TargetInvalid", "function"),
    "no secret": (_no_secret, "TargetInvalid", "secret"),
    "the record for a secret": (_the_record, "TargetInvalid", "is the slot_secret already"),
}


@pytest.mark.parametrize("what", [more(one) if one == "no such alias" else whole(one) for one in BAD])
def test_what_cannot_work_ends_before_anything_is_touched(what: str, shop: ApplianceShop, turns: ShopTurns) -> None:
    spoil, error, said = BAD[what]
    changed = document(shop)
    spoil(changed["consumers"][0])
    if changed["consumers"][0].get("secret") == "the record's":
        changed["consumers"][0]["secret"] = changed["slot_secret"]
    put_target(shop, "spoilt", changed)
    before, writes = turns.slots, list(shop.appliance.writes)
    run = turns.run(target="spoilt")
    assert run.outcome == "RotationRefused", run.cause
    assert error in run.cause
    assert said in run.cause
    assert (turns.slots, shop.appliance.writes) == (before, writes)


@pytest.fixture(scope="module")
def tally(under_load: ShopTurns, request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    request.config.stash.setdefault(MEASURED, []).append(
        tally.line(f"a function's {OF_A_FUNCTION}", under_load.requests_since(start))
    )


@pytest.fixture
def blows(turns: ShopTurns, tally: Tally) -> Blows:
    return Blows(turns, tally, OF_A_FUNCTION)


@pytest.mark.parametrize("direction", OF_A_FUNCTION.ways(FORWARD))
def test_a_rotation_outlives_the_death_of_every_function(direction: str, blows: Blows) -> None:
    blows.assert_outlived(direction)


@pytest.mark.parametrize(("state", "direction"), OF_A_FUNCTION.stops(set(), IN_CI))
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(state: str, direction: str, blows: Blows) -> None:
    blows.assert_carried_on(state, direction)
