"""A server under load whose certificate is rotated: each client verifies it anew and looks into the list of what is revoked, none
refuses it, what is withdrawn is on that list, and one that was signed and lost is revoked by the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.certified.served import number
from local.certified.server import Visitors
from local.certified.stack import Certified
from local.faults import SecretFault
from local.login import Login
from local.vault import pki
from tests.e2e.issued import RATE, CertificateTurns
from tests.e2e.last_looks import check
from tests.until import until
from tests.whole import WHOLE, only_in_the_whole, only_with_more

ROTATIONS = 10 if WHOLE else 1


@pytest.fixture(scope="module")
def shop() -> Iterator[Certified]:
    with Certified() as shop:
        yield shop
        check(shop)
        assert shop.vault.audit_log.stat().st_size > 0, "it was searched too"


@pytest.fixture(scope="module")
def visitors(shop: Certified) -> Iterator[Visitors]:
    with Visitors(shop.server.port, pki.DOMAIN, shop.authority, shop.revoked_list, RATE) as visitors:
        yield visitors
    assert visitors.failed() == []


@pytest.fixture(scope="module")
def under_load(shop: Certified, visitors: Visitors) -> CertificateTurns:
    return CertificateTurns(shop, visitors.clients)


@pytest.fixture
def turns(under_load: CertificateTurns, visitors: Visitors, request: pytest.FixtureRequest) -> Iterator[CertificateTurns]:
    """The server shows what the record says in the end."""
    with under_load.undisturbed(request, "certificates") as turns:
        yield turns
    until(lambda: visitors.serials[-1] == number(turns.active))


def test_rotations_in_a_row(shop: Certified, turns: CertificateTurns, visitors: Visitors) -> None:
    retired: list[Login] = []
    for _ in range(ROTATIONS):
        retired.append(turns.active)
        run = turns.assert_rotates()
        assert run.cause == "" or "revoked" in run.cause
    assert {number(key) for key in retired} <= pki.revoked(shop.vault)
    assert number(turns.active) not in pki.revoked(shop.vault)
    assert {number(key) for key in retired} <= set(visitors.serials)


@only_with_more
def test_one_that_was_signed_and_lost_is_revoked_by_the_next_run_and_nothing_else(shop: Certified, turns: CertificateTurns) -> None:
    """Between the signature and the store Secrets Manager refuses the function: what it was given is in no version."""
    before = turns.issued()
    record, caller = shop.parameters["SlotSecretArn"], shop.function("SyncUsers")
    shop.aws.refuse(SecretFault("PutSecretValue", "AccessDeniedException", secret=record, caller=caller))
    run = turns.run()
    assert run.outcome == "NothingChanged", run.cause
    lost = turns.issued() - before
    assert len(lost) == 1
    turns.assert_rotates()
    assert not lost & set(shop.valid())


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_certificate_is_the_next_one_s(turns: CertificateTurns) -> None:
    turns.assert_turns_back_and_takes_it_again()


@only_in_the_whole
def test_a_revocation_leaves_no_certificate_that_was_known(shop: Certified, turns: CertificateTurns) -> None:
    before = turns.active
    run = turns.run(mode="revoke")
    assert run.outcome == "Revoked", run.cause
    assert number(before) in pki.revoked(shop.vault)
    turns.assert_moved_from(before)


@only_with_more
def test_verify_and_a_dry_run_say_what_is_there_and_write_nothing(shop: Certified, turns: CertificateTurns) -> None:
    before = shop.valid()
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    run = turns.run(mode="dry-run")
    assert run.outcome == "PlanReported"
    described = shop.aws.client("stepfunctions").describe_execution(executionArn=run.arn)
    plan = {step["state"]: step["change"] for step in json.loads(described["output"])["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["DiscardOldPassword"].startswith(f"{turns.active.username}: revoked at pki of https://127.0.0.1")
    assert shop.valid() == before


@only_with_more
def test_a_role_that_is_changed_to_store_nothing_is_refused_before_anything_is_done(
    shop: Certified, turns: CertificateTurns
) -> None:
    before = shop.valid()
    pki.role(shop.vault, no_store=True)
    try:
        run = turns.run()
    finally:
        pki.role(shop.vault)
    assert run.outcome == "RotationRefused", run.outcome
    assert "no_store is true" in run.cause
    assert shop.valid() == before
