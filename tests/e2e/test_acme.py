"""A server under load whose certificate an ACME server issues: each client verifies it anew and asks what is revoked,
none refuses it, and one that was issued and lost is revoked by the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.acme.stack import AT, DOMAIN, AcmeServed
from local.certified.served import number
from local.certified.server import Visitors
from local.faults import SecretFault
from local.login import Login
from tests.e2e.issued import RATE, AcmeTurns
from tests.e2e.last_looks import check
from tests.until import until
from tests.whole import WHOLE, only_in_the_whole, only_with_more

ROTATIONS = 10 if WHOLE else 1


@pytest.fixture(scope="module")
def shop() -> Iterator[AcmeServed]:
    with AcmeServed() as shop:
        yield shop
        check(shop)


@pytest.fixture(scope="module")
def visitors(shop: AcmeServed) -> Iterator[Visitors]:
    with Visitors(shop.server.port, DOMAIN, shop.authority, None, RATE, asks=shop.revoked) as visitors:
        yield visitors
    assert visitors.failed() == []


@pytest.fixture(scope="module")
def under_load(shop: AcmeServed, visitors: Visitors) -> AcmeTurns:
    return AcmeTurns(shop, visitors.clients)


@pytest.fixture
def turns(under_load: AcmeTurns, visitors: Visitors, request: pytest.FixtureRequest) -> Iterator[AcmeTurns]:
    """The server shows what the record says in the end."""
    with under_load.undisturbed(request, "ACME") as turns:
        yield turns
    until(lambda: visitors.serials[-1] == number(turns.active))


def test_rotations_in_a_row(shop: AcmeServed, turns: AcmeTurns, visitors: Visitors) -> None:
    """The first certificate is another account's, and is revoked with its own key."""
    retired: list[Login] = []
    for _ in range(ROTATIONS):
        retired.append(turns.active)
        turns.assert_rotates()
    assert [shop.pebble.status(key.username) for key in retired] == ["Revoked"] * ROTATIONS
    assert shop.pebble.status(turns.active.username) == "Valid"
    assert {number(key) for key in retired} <= set(visitors.serials)
    assert len([one for one in shop.values() if one.startswith('"credential-rotation ')]) == 1, "of the one in use"


@only_with_more
def test_one_that_was_issued_and_lost_is_revoked_by_the_next_run_and_nothing_else(shop: AcmeServed, turns: AcmeTurns) -> None:
    """Between the signature and the store Secrets Manager refuses the function: what it was given is in no version."""
    before = turns.issued()
    record, caller = shop.parameters["SlotSecretArn"], shop.function("SyncUsers")
    shop.aws.refuse(SecretFault("PutSecretValue", "AccessDeniedException", secret=record, caller=caller))
    run = turns.run()
    assert run.outcome == "NothingChanged", run.cause
    lost = turns.issued() - before
    assert len(lost) == 1
    turns.assert_rotates()
    assert {shop.pebble.status(one) for one in lost} == {"Revoked"}


@only_with_more
def test_a_zone_whose_servers_are_slow_is_waited_for_by_the_machine(shop: AcmeServed, turns: AcmeTurns) -> None:
    """Longer than one call of a function: the next one goes on with the same order."""
    orders = shop.pebble.made()
    shop.aws.lag_records(20)
    try:
        turns.assert_rotates()
    finally:
        shop.aws.lag_records(0)
    assert shop.pebble.made() == orders + 1


@only_with_more
@pytest.mark.parametrize("what", ["an account that was deactivated", "another host"])
def test_what_cannot_work_is_refused_before_anything_is_done(shop: AcmeServed, turns: AcmeTurns, what: str) -> None:
    before, values = shop.valid(), shop.values()
    deactivated = shop.pebble.account()
    shop.pebble.deactivate(deactivated)
    secret, given = shop.aws.client("secretsmanager"), json.dumps(shop.secret(shop.admin_secret))
    name = f"/{shop.deployed.name}/targets/{shop.target}"
    document = shop.aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    if what == "another host":
        put(shop, name, document.replace(shop.pebble.address, "https://elsewhere.example/dir"))
    else:
        account = {"username": deactivated.username, "password": deactivated.password.reveal()}
        secret.put_secret_value(SecretId=shop.admin_secret, SecretString=json.dumps(account))
    try:
        run = turns.run()
    finally:
        put(shop, name, document)
        secret.put_secret_value(SecretId=shop.admin_secret, SecretString=given)
    assert run.outcome == "RotationRefused", (run.outcome, run.cause)
    assert ("AcmeHosts" if what == "another host" else "acme-account") in run.cause
    assert (shop.valid(), shop.values()) == (before, values)


def put(shop: AcmeServed, name: str, document: str) -> None:
    """The target's, as a person edits it."""
    shop.aws.client("ssm").put_parameter(Name=name, Value=document, Type="String", Overwrite=True)


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_certificate_is_the_next_one_s(turns: AcmeTurns) -> None:
    turns.assert_turns_back_and_takes_it_again()


@only_in_the_whole
def test_a_revocation_leaves_no_certificate_that_was_known(shop: AcmeServed, turns: AcmeTurns) -> None:
    before = turns.active
    run = turns.run(mode="revoke")
    assert run.outcome == "Revoked", run.cause
    assert shop.pebble.status(before.username) == "Revoked"
    turns.assert_moved_from(before)


@only_with_more
def test_verify_and_a_dry_run_say_what_is_there_and_write_nothing(shop: AcmeServed, turns: AcmeTurns) -> None:
    before, values = shop.valid(), shop.values()
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    run = turns.run(mode="dry-run")
    assert run.outcome == "PlanReported"
    described = shop.aws.client("stepfunctions").describe_execution(executionArn=run.arn)
    plan = {step["state"]: step["change"] for step in json.loads(described["output"])["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["DiscardOldPassword"].startswith(f"{turns.active.username}: revoked at localhost")
    assert (shop.valid(), shop.values()) == (before, values)


@only_with_more
def test_nothing_but_answers_and_marks_was_ever_put_into_the_zone(shop: AcmeServed) -> None:
    listed = shop.aws.client("route53").list_resource_record_sets(HostedZoneId=shop.zone)["ResourceRecordSets"]
    assert {one["Name"] for one in listed if one["Type"] == "TXT"} == {AT}
