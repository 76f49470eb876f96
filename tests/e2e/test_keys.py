"""A service that calls AWS with its IAM user's access key, under load, while the key is rotated: no call fails, what is withdrawn
is refused and gone, a key that was issued and lost is deleted by the next run, and a person's is not touched."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.faults import Fault
from local.follow import Run, wait_for
from local.keys.service import Service
from local.keys.stack import OTHERS, USER, KeysInVault
from local.login import Login
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.whole import WHOLE, only_in_the_whole, only_with_more

RATE = 40.0 if WHOLE else 20.0
ROTATIONS = 10 if WHOLE else 1


@pytest.fixture(scope="module")
def shop() -> Iterator[KeysInVault]:
    with KeysInVault() as shop:
        yield shop
        check(shop)
        assert shop.vault.audit_log.stat().st_size > 0, "it was searched too"


@contextmanager
def served(shop: KeysInVault, request: pytest.FixtureRequest) -> Iterator[Service]:
    """No call fails meanwhile."""
    with Service(shop, RATE, keeps=0.8) as service:
        yield service
        time.sleep(1)
    assert service.failed() == []
    assert service.calls
    request.config.stash.setdefault(MEASURED, []).append(f"keys, {request.node.name}: {len(service.calls)} calls, 0 failed")


def rotated(shop: KeysInVault, name: str, mode: str = "rotate") -> Run:
    name = f"{name}-{time.time():.0f}"
    return wait_for(shop, shop.start_execution(name, {"mode": mode}), lambda: None)


def at_rest(shop: KeysInVault) -> None:
    """One key is there, everywhere the same, and nothing else is left."""
    assert set(shop.ids()) == {shop.active.username}
    assert list(shop.held().values()) == [shop.active] * 2
    assert set(shop.readable()) == {shop.active}
    assert shop.accepts(shop.active.username, shop.active.password)
    labels = shop.aws.client("secretsmanager").describe_secret(SecretId=shop.slot_secret)["VersionIdsToStages"].values()
    assert "AWSPENDING" not in [label for some in labels for label in some]


def test_rotations_in_a_row(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    retired: list[Login] = []
    with served(shop, request):
        for number in range(ROTATIONS):
            before = shop.active
            run = rotated(shop, f"row-{number}")
            assert run.outcome == "RotationSucceeded", run.cause
            at_rest(shop)
            retired.append(before)
    assert [key.username for key in retired if shop.accepts(key.username, key.password)] == []
    assert len({key.username for key in retired}) == ROTATIONS
    assert {key: value for key, value in shop.in_path().items() if key in OTHERS} == OTHERS
    assert {key: value for key, value in shop.secret(shop.application_secret).items() if key in OTHERS} == OTHERS


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_key_is_the_next_one_s(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    before = shop.active
    with served(shop, request):
        shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, error=made_up("LoginRefused")))
        run = rotated(shop, "back")
        assert run.outcome == "RolledBack", run.cause
        assert shop.active == before
        kept = set(shop.ids()) - {before.username}
        assert len(kept) == 1
        run = rotated(shop, "after")
        assert run.outcome == "RotationSucceeded", run.cause
        assert {shop.active.username} == kept
        at_rest(shop)


@only_with_more
def test_a_key_that_was_issued_and_lost_is_deleted_by_the_next_run(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    """As a crash between the issue and the store leaves it: the intent is there, and knows nothing of the key."""
    with served(shop, request):
        shop.aws.fail(Fault(shop.function("SyncUsers"), error=made_up("SourceRefused")))
        run = rotated(shop, "lost")
        assert run.outcome == "NothingChanged", run.cause
        lost = shop.issue()
        run = rotated(shop, "found")
        assert run.outcome == "RotationSucceeded", run.cause
        assert lost.username not in shop.ids()
        at_rest(shop)


@only_with_more
def test_a_person_s_key_is_not_touched_and_said(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    before, theirs = shop.active, shop.issue()
    try:
        with served(shop, request):
            run = rotated(shop, "theirs")
        assert run.outcome == "RotationRefused", run.outcome
        assert theirs.username in run.cause
        assert "UnknownKey" in run.cause
        assert set(shop.ids()) == {before.username, theirs.username}
        assert shop.accepts(theirs.username, theirs.password)
        assert shop.active == before
    finally:
        shop.aws.client("iam").delete_access_key(UserName=USER, AccessKeyId=theirs.username)


@only_in_the_whole
def test_what_iam_is_told_may_be_known_late(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    shop.aws.lag_keys(4.0)
    try:
        with served(shop, request):
            run = rotated(shop, "late")
            assert run.outcome == "RotationSucceeded", run.cause
            at_rest(shop)
    finally:
        shop.aws.lag_keys(0.0)


@only_in_the_whole
def test_a_revocation_leaves_neither_key_that_was_known(shop: KeysInVault, request: pytest.FixtureRequest) -> None:
    before = shop.active
    with served(shop, request):
        run = rotated(shop, "revoked", "revoke")
    assert run.outcome == "Revoked", run.cause
    assert not shop.accepts(before.username, before.password)
    at_rest(shop)


def made_up(error: str) -> dict[str, str]:
    return {"errorType": error, "errorMessage": "made up"}


@only_with_more
def test_verify_and_a_dry_run_say_what_is_there_and_write_nothing(shop: KeysInVault) -> None:
    before = shop.ids()
    assert rotated(shop, "looked", "verify").outcome == "Verified"
    run = rotated(shop, "dry", "dry-run")
    assert run.outcome == "PlanReported"
    described = shop.aws.client("stepfunctions").describe_execution(executionArn=run.arn)
    plan = {step["state"]: step["change"] for step in json.loads(described["output"])["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["RotateOldSlot"] == f"{shop.active.username}: deactivated"
    assert shop.ids() == before
