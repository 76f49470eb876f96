"""Signing keys on the local stack, under load: every algorithm, a rotation that turns back and the next, somebody who edits the
JWKS. No token check fails, and what was withdrawn is refused. Blows to it at every state: test_issued_blows.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local import canary
from local.faults import Fault
from local.follow import wait_for
from local.load import Load
from local.options import SoakOptions
from local.shop.signer import BUCKET, KEY, Signer
from local.shop.soak import in_a_row, missed
from local.shop.stack import SHOWN, Pace
from tests.e2e.last_looks import check
from tests.e2e.shop import ShopTurns
from tests.whole import only_in_the_whole

pytestmark = only_in_the_whole
RATE = 40
PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=2.5)


@contextmanager
def at_work(algorithm: str = "EdDSA") -> Iterator[tuple[Signer, Load]]:
    """With a look at the whole of it at the end."""
    with Signer(PACE, algorithm) as stack:
        with Load(stack.page, RATE, marker=SHOWN) as load:
            yield stack, load
            requests = load.stop()
        assert [str(one.reason) for one in requests.failures] == []
        ShopTurns(stack, load).assert_at_rest()
        assert canary.search(stack) == []
        check(stack)


def ours(stack: Signer) -> list[str]:
    """The names of the keys in the JWKS that are not somebody else's."""
    return [key["kid"] for key in stack.jwks()["keys"] if key["kid"] != stack.somebody_s["kid"]]


def name_of(stack: Signer, slot: str) -> str:
    return str(json.loads(stack.secret(stack.slot_secret)[slot]["password"])["kid"])


def run(stack: Signer, name: str) -> Any:
    return wait_for(stack, stack.start_execution(name))


@pytest.mark.parametrize(("algorithm", "rotations"), [("EdDSA", 10), ("ES256", 2), ("RS256", 2)])
def test_in_a_row(algorithm: str, rotations: int) -> None:
    with at_work(algorithm) as (stack, load):
        row = in_a_row(stack, load, SoakOptions(rotations=rotations, logins=0, rate=RATE))
        assert [*row.problems, *missed(SoakOptions(rotations=rotations, logins=0, rate=RATE), load.results(), row)] == []
        assert (row.refused, row.retired) == (rotations, rotations)
        assert stack.jwks()["keys"][0] == stack.somebody_s
        slots = stack.secret(stack.slot_secret)
        assert ours(stack) == [name_of(stack, slots["active_slot"])]


def test_what_was_rolled_back_is_taken_again_by_the_next_run() -> None:
    with at_work() as (stack, _):
        old, new = name_of(stack, "A"), name_of(stack, "B")
        error = {"errorType": "AppUnhealthy", "errorMessage": "the page does not show the application"}
        stack.aws.fail(Fault(stack.function("ValidateApp"), {"direction": "forward"}, times=20, error=error))
        turned_back = run(stack, "turns-back")
        assert turned_back.outcome == "RolledBack", turned_back.cause
        assert ours(stack) == [old, new], "somebody may have a token of the new one"
        assert name_of(stack, "B") == new
        stack.aws.clear_faults()
        again = run(stack, "again")
        assert again.outcome == "RotationSucceeded", again.cause
        assert ours(stack) == [new]


def test_what_somebody_adds_meanwhile_stays_and_is_waited_for() -> None:
    with at_work() as (stack, _):
        arn = stack.start_execution("meanwhile")
        s3, added = stack.aws.client("s3"), {**stack.somebody_s, "kid": "added meanwhile"}
        while len(ours(stack)) < 2:
            pass
        body = json.dumps({**stack.jwks(), "keys": [*stack.jwks()["keys"], added], "issuer": "somebody"})
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=body.encode())
        done = wait_for(stack, arn)
        assert done.outcome == "RotationSucceeded", done.cause
        assert added in stack.jwks()["keys"]
        assert stack.jwks()["issuer"] == "somebody"


def test_a_dry_run_and_mode_verify_change_nothing_and_say_what_there_is() -> None:
    with at_work() as (stack, _):
        before = stack.jwks()
        verified = wait_for(stack, stack.start_execution("looks", {"mode": "verify"}))
        assert verified.outcome == "Verified", verified.cause
        planned = wait_for(stack, stack.start_execution("plans", {"mode": "dry-run"}))
        assert planned.outcome == "PlanReported", planned.cause
        assert stack.jwks() == before
        assert run(stack, "rotates").outcome == "RotationSucceeded"
