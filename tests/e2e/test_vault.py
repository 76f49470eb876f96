"""The shop whose application reads its login from a path of a real OpenBao, under load: no request fails, what is withdrawn is
refused, its copies are gone, and the canary is nowhere, in OpenBao's audit log neither."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.faults import Fault
from local.load import Load
from local.mysql import Login
from local.shop.stack import OTHERS, SHOWN, Pace, login_of
from local.vault import policies
from local.vault.policies import MOUNT, READS, AppRole
from local.vault.stack import PATH, VaultShop
from tests.e2e.hands import document, put_target
from tests.e2e.last_looks import check
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import only_in_the_whole, only_with_more, whole

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
    with under_load.undisturbed(request, "Vault") as turns:
        yield turns


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


def _other_mount(shop: VaultShop, vault: dict[str, Any]) -> None:
    vault["mount"] = "nowhere"
    _log_in_as(shop, vault, policies.role(shop.vault, "nowhere", PATH, READS, "nowhere"))


def _not_versioned(shop: VaultShop, vault: dict[str, Any]) -> None:
    shop.vault.asks("POST", "sys/mounts/plain", {"type": "kv", "options": {"version": "1"}})
    vault["mount"] = "plain"
    _log_in_as(shop, vault, policies.role(shop.vault, "plain", PATH, READS, "plain"))


def _not_ours(_: VaultShop, vault: dict[str, Any]) -> None:
    vault["mount"] = "another"


def _without_policy(shop: VaultShop, vault: dict[str, Any]) -> None:
    role = policies.role(shop.vault, "idle", PATH, 'path "nothing" {{ capabilities = ["read"] }}')
    _log_in_as(shop, vault, role)


def _expired(shop: VaultShop, vault: dict[str, Any]) -> None:
    role = policies.role(shop.vault, "short", PATH, READS, secret_id_ttl="1s")
    _log_in_as(shop, vault, role)
    time.sleep(1.5)


def _log_in_as(shop: VaultShop, vault: dict[str, Any], role: AppRole) -> None:
    held = json.dumps({"secret_id": role.secret_id})
    made = shop.aws.client("secretsmanager").create_secret(Name=f"vault-{role.role_id}", SecretString=held)
    vault["reader"] = {"method": "approle", "role": role.role_id, "secret": made["ARN"]}


def _sealed(shop: VaultShop, _: dict[str, Any]) -> None:
    shop.vault.seal()


BAD: dict[str, tuple[Callable[[VaultShop, dict[str, Any]], None], str]] = {
    "no such mount": (_other_mount, "VaultMountMissing"),
    "no versions, so no check-and-set": (_not_versioned, "VaultNotVersioned"),
    "a mount that is not the role's": (_not_ours, "VaultDenied"),
    "a role without a policy": (_without_policy, "VaultDenied"),
    "a login that has expired": (_expired, "VaultLoginRefused"),
    "sealed": (_sealed, "VaultSealed"),
}


@pytest.mark.parametrize("what", [pytest.param(one) if one == "a role without a policy" else whole(one) for one in BAD])
def test_what_cannot_work_ends_before_anything_is_touched(what: str, shop: VaultShop, turns: ShopTurns) -> None:
    spoil, error = BAD[what]
    changed = document(shop)
    before, versions = turns.slots, shop.readable()
    spoil(shop, changed["consumers"][0])
    put_target(shop, "spoilt", changed)
    try:
        run = turns.run(target="spoilt")
    finally:
        if what == "sealed":
            shop.vault.unseal()
    assert run.outcome == "RotationRefused", run.cause
    assert error in run.cause
    assert (turns.slots, shop.readable()) == (before, versions)


@only_in_the_whole
def test_a_path_that_asks_for_check_and_set_is_rotated(shop: VaultShop, turns: ShopTurns) -> None:
    shop.vault.asks("POST", f"{MOUNT}/metadata/{PATH}", {"cas_required": True})
    turns.assert_rotates()
