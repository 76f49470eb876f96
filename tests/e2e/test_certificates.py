"""A server under load whose certificate is rotated: each client verifies it anew and looks into the list of what is revoked, none
refuses it, what is withdrawn is on that list, and one that was signed and lost is revoked by the next run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.certified.server import Visitors
from local.certified.stack import OTHERS, Certified
from local.faults import Fault, SecretFault
from local.follow import Run, wait_for
from local.login import Login
from local.vault import pki
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.whole import WHOLE, only_in_the_whole, only_with_more

RATE = 40.0 if WHOLE else 20.0
ROTATIONS = 10 if WHOLE else 1


@pytest.fixture(scope="module")
def shop() -> Iterator[Certified]:
    with Certified() as shop:
        yield shop
        check(shop)
        assert shop.vault.audit_log.stat().st_size > 0, "it was searched too"


@contextmanager
def visited(shop: Certified, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """No client is refused, or refuses, meanwhile."""
    with Visitors(shop.server.port, pki.DOMAIN, shop.authority, shop.revoked_list, RATE) as visitors:
        yield visitors
        time.sleep(1)
    assert visitors.failed() == []
    assert visitors.serials[-1] == number(shop.active), "the server shows what the record says"
    request.config.stash.setdefault(MEASURED, []).append(
        f"certificates, {request.node.name}: {len(visitors.visits)} handshakes, 0 failed, {len(set(visitors.serials))} certificates"
    )


def rotated(shop: Certified, name: str, mode: str = "rotate") -> Run:
    name = f"{name}-{time.time():.0f}"
    return wait_for(shop, shop.start_execution(name, {"mode": mode}), lambda: None)


def number(key: Login) -> int:
    return int(key.username.replace(":", ""), 16)


def at_rest(shop: Certified) -> None:
    """One of ours is valid, everywhere the same, and nothing else is left."""
    assert set(shop.valid()) == {shop.active.username}
    assert list(shop.held().values()) == [shop.active] * 2
    assert set(shop.readable()) == {shop.active}
    labels = shop.aws.client("secretsmanager").describe_secret(SecretId=shop.slot_secret)["VersionIdsToStages"].values()
    assert "AWSPENDING" not in [label for some in labels for label in some]


def test_rotations_in_a_row(shop: Certified, request: pytest.FixtureRequest) -> None:
    retired: list[Login] = []
    with visited(shop, request) as visitors:
        for turn in range(ROTATIONS):
            before = shop.active
            run = rotated(shop, f"row-{turn}")
            assert run.outcome == "RotationSucceeded", run.cause
            assert run.cause == "" or "revoked" in run.cause
            at_rest(shop)
            retired.append(before)
    assert {number(key) for key in retired} <= pki.revoked(shop.vault)
    assert number(shop.active) not in pki.revoked(shop.vault)
    assert len(set(visitors.serials)) == ROTATIONS + 1
    assert {key: value for key, value in shop.in_path().items() if key in OTHERS} == OTHERS
    assert {key: value for key, value in shop.secret(shop.application_secret).items() if key in OTHERS} == OTHERS


@only_with_more
def test_one_that_was_signed_and_lost_is_revoked_by_the_next_run_and_nothing_else(
    shop: Certified, request: pytest.FixtureRequest
) -> None:
    """Between the signature and the store Secrets Manager refuses the function: what it was given is in no version."""
    theirs = shop.issue()
    before = set(shop.valid())
    with visited(shop, request):
        record, caller = shop.parameters["SlotSecretArn"], shop.function("SyncUsers")
        shop.aws.refuse(SecretFault("PutSecretValue", "AccessDeniedException", secret=record, caller=caller))
        run = rotated(shop, "lost")
        assert run.outcome == "NothingChanged", run.cause
        lost = set(shop.valid()) - before
        assert len(lost) == 1
        run = rotated(shop, "found")
        assert run.outcome == "RotationSucceeded", run.cause
        assert not lost & set(shop.valid())
        assert theirs.username in shop.valid(), "what a person had issued"
    shop.vault.asks("POST", f"{pki.MOUNT}/revoke", {"serial_number": theirs.username})
    at_rest(shop)


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_certificate_is_the_next_one_s(
    shop: Certified, request: pytest.FixtureRequest
) -> None:
    before = shop.active
    with visited(shop, request):
        shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, error=made_up("LoginRefused")))
        run = rotated(shop, "back")
        assert run.outcome == "RolledBack", run.cause
        assert shop.active == before
        kept = set(shop.valid()) - {before.username}
        assert len(kept) == 1
        run = rotated(shop, "after")
        assert run.outcome == "RotationSucceeded", run.cause
        assert {shop.active.username} == kept
        at_rest(shop)


@only_in_the_whole
def test_a_revocation_leaves_no_certificate_that_was_known(shop: Certified, request: pytest.FixtureRequest) -> None:
    before = shop.active
    with visited(shop, request):
        run = rotated(shop, "revoked", "revoke")
    assert run.outcome == "Revoked", run.cause
    assert number(before) in pki.revoked(shop.vault)
    at_rest(shop)


@only_with_more
def test_verify_and_a_dry_run_say_what_is_there_and_write_nothing(shop: Certified) -> None:
    before = shop.valid()
    run = rotated(shop, "looked", "verify")
    assert run.outcome == "Verified", run.cause
    run = rotated(shop, "dry", "dry-run")
    assert run.outcome == "PlanReported"
    described = shop.aws.client("stepfunctions").describe_execution(executionArn=run.arn)
    plan = {step["state"]: step["change"] for step in json.loads(described["output"])["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["DiscardOldPassword"].startswith(f"{shop.active.username}: revoked at pki of https://127.0.0.1")
    assert shop.valid() == before


@only_with_more
def test_a_role_that_is_changed_to_store_nothing_is_refused_before_anything_is_done(shop: Certified) -> None:
    before = shop.valid()
    pki.role(shop.vault, no_store=True)
    try:
        run = rotated(shop, "unfit")
    finally:
        pki.role(shop.vault)
    assert run.outcome == "RotationRefused", run.outcome
    assert "no_store is true" in run.cause
    assert shop.valid() == before


def made_up(error: str) -> dict[str, str]:
    return {"errorType": error, "errorMessage": "made up"}
