"""A service that calls AWS with its IAM user's access key, under load, while the key is rotated: no call fails, what is withdrawn
is refused and gone, a key that was issued and lost is deleted by the next run, and a person's is not touched."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.faults import Fault
from local.keys.service import Service
from local.keys.stack import USER, KeysInVault
from tests.e2e.issued import RATE, AccessKeyTurns
from tests.e2e.last_looks import check
from tests.whole import WHOLE, only_in_the_whole, only_with_more

ROTATIONS = 10 if WHOLE else 1


@pytest.fixture(scope="module")
def shop() -> Iterator[KeysInVault]:
    with KeysInVault() as shop:
        yield shop
        check(shop)
        assert shop.vault.audit_log.stat().st_size > 0, "it was searched too"


@pytest.fixture(scope="module")
def under_load(shop: KeysInVault) -> Iterator[AccessKeyTurns]:
    with Service(shop, RATE, keeps=0.8) as service:
        yield AccessKeyTurns(shop, service.clients)
    assert service.failed() == []


@pytest.fixture
def turns(under_load: AccessKeyTurns, request: pytest.FixtureRequest) -> Iterator[AccessKeyTurns]:
    with under_load.undisturbed(request, "keys") as turns:
        yield turns


def test_rotations_in_a_row(turns: AccessKeyTurns) -> None:
    retired = []
    for _ in range(ROTATIONS):
        retired.append(turns.active)
        turns.assert_rotates()
    assert [key.username for key in retired if turns.accepts(key)] == []
    assert len({key.username for key in retired}) == ROTATIONS


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_key_is_the_next_one_s(turns: AccessKeyTurns) -> None:
    turns.assert_turns_back_and_takes_it_again()


@only_with_more
def test_a_key_that_was_issued_and_lost_is_deleted_by_the_next_run(shop: KeysInVault, turns: AccessKeyTurns) -> None:
    """As a crash between the issue and the store leaves it: the intent is there, and knows nothing of the key."""
    shop.aws.fail(Fault(shop.function("SyncUsers"), error={"errorType": "SourceRefused", "errorMessage": "made up"}))
    run = turns.run()
    assert run.outcome == "NothingChanged", run.cause
    lost = shop.issue()
    turns.assert_rotates()
    assert lost.username not in shop.ids()


@only_with_more
def test_a_person_s_key_is_not_touched_and_said(shop: KeysInVault, turns: AccessKeyTurns) -> None:
    before, theirs = turns.active, shop.issue()
    try:
        run = turns.run()
        assert run.outcome == "RotationRefused", run.outcome
        assert theirs.username in run.cause
        assert "UnknownKey" in run.cause
        assert set(shop.ids()) == {before.username, theirs.username}
        assert turns.accepts(theirs)
        assert turns.active == before
    finally:
        shop.aws.client("iam").delete_access_key(UserName=USER, AccessKeyId=theirs.username)


@only_in_the_whole
def test_what_iam_is_told_may_be_known_late(shop: KeysInVault, turns: AccessKeyTurns) -> None:
    shop.aws.lag_keys(4.0)
    try:
        turns.assert_rotates()
    finally:
        shop.aws.lag_keys(0.0)


@only_in_the_whole
def test_a_revocation_leaves_neither_key_that_was_known(turns: AccessKeyTurns) -> None:
    before = turns.active
    run = turns.run(mode="revoke")
    assert run.outcome == "Revoked", run.cause
    assert not turns.accepts(before)
    turns.assert_moved_from(before)


@only_with_more
def test_verify_and_a_dry_run_say_what_is_there_and_write_nothing(shop: KeysInVault, turns: AccessKeyTurns) -> None:
    before = shop.ids()
    assert turns.run(mode="verify").outcome == "Verified"
    run = turns.run(mode="dry-run")
    assert run.outcome == "PlanReported"
    described = shop.aws.client("stepfunctions").describe_execution(executionArn=run.arn)
    plan = {step["state"]: step["change"] for step in json.loads(described["output"])["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["RotateOldSlot"] == f"{turns.active.username}: deactivated"
    assert shop.ids() == before
