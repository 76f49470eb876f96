"""Signing keys on the local stack, under load: every algorithm, the JWKS in S3 and in a real OpenBao, a rotation that turns back
and the next, somebody who edits the JWKS. No token check fails, and what was withdrawn is refused, by verifiers that keep what they
have read as by others. Blows to it at every state: test_issued_blows.py."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from joserfc.errors import JoseError

from local.faults import Fault
from local.follow import wait_for
from local.load import Load
from local.options import SoakOptions
from local.shop import tokens
from local.shop.signer import BESIDE, BUCKET, KEY, VERIFIERS_CACHE_SECONDS, Signer, SignerInVault
from local.shop.soak import in_a_row, missed, summary
from local.shop.stack import SHOWN, Pace
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shop import ShopTurns
from tests.until import until
from tests.whole import only_in_the_whole

pytestmark = only_in_the_whole
RATE = 40
PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=2.5)


PLACES: dict[str, Callable[[], Signer]] = {"S3": lambda: Signer(PACE), "Vault": lambda: SignerInVault(PACE)}
ALGORITHMS: dict[str, tuple[Callable[[], Signer], int]] = {
    "EdDSA": (PLACES["S3"], 10),
    "ES256": (lambda: Signer(PACE, "ES256"), 2),
    "RS256": (lambda: Signer(PACE, "RS256"), 2),
    "HS256 in a Vault": (PLACES["Vault"], 10),
    "EdDSA in a Vault": (lambda: SignerInVault(PACE, "EdDSA"), 2),
}
"""Each with how many rotations in a row."""


@contextmanager
def at_work(made: Callable[[], Signer] = PLACES["S3"]) -> Iterator[tuple[Signer, Load]]:
    """With a look at the whole of it at the end."""
    with made() as stack:
        with Load(stack.page, RATE, marker=SHOWN) as load:
            yield stack, load
            requests = load.stop()
        assert [str(one.reason) for one in requests.failures] == []
        ShopTurns(stack, load).assert_at_rest()
        if isinstance(stack, SignerInVault):
            assert {key: stack.content()[key] for key in BESIDE} == BESIDE
            assert stack.vault.audit_log.stat().st_size > 0, "it is searched too"
        check(stack)


def ours(stack: Signer) -> list[str]:
    """The names of the keys in the JWKS that are not somebody else's."""
    return [key["kid"] for key in stack.jwks()["keys"] if key["kid"] != stack.somebody_s["kid"]]


def name_of(stack: Signer, slot: str) -> str:
    return str(json.loads(stack.secret(stack.slot_secret)[slot]["password"])["kid"])


def become(stack: Signer, jwks: dict[str, Any]) -> None:
    """As somebody else puts it."""
    if isinstance(stack, SignerInVault):
        stack.put(jwks)
    else:
        stack.aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(jwks).encode())


def run(stack: Signer, name: str) -> Any:
    return wait_for(stack, stack.start_execution(name))


@pytest.mark.parametrize("what", ALGORITHMS)
def test_in_a_row(what: str, request: pytest.FixtureRequest) -> None:
    made, rotations = ALGORITHMS[what]
    with at_work(made) as (stack, load):
        row = in_a_row(stack, load, SoakOptions(rotations=rotations, logins=0, rate=RATE))
        request.config.stash.setdefault(MEASURED, []).append(f"{what}: {summary(load.results(), row)}")
        assert [*row.problems, *missed(SoakOptions(rotations=rotations, logins=0, rate=RATE), load.results(), row)] == []
        assert (row.refused, row.retired) == (rotations, rotations)
        assert stack.jwks()["keys"][0] == stack.somebody_s
        slots = stack.secret(stack.slot_secret)
        assert ours(stack) == [name_of(stack, slots["active_slot"])]


def test_a_verifier_that_keeps_what_it_has_read_takes_a_token_as_long_as_it_lives_and_refuses_the_old_key_s_at_the_end() -> None:
    with at_work(PLACES["Vault"]) as (stack, _):
        old = stack.used
        verifier = tokens.Verifier(lambda: json.dumps(stack.jwks()).encode(), VERIFIERS_CACHE_SECONDS, time.monotonic())
        verifier.claims(tokens.signed(old, 60, SHOWN))
        arn = stack.start_execution("watched")
        until(lambda: verifier.claims(tokens.signed(old, 60, SHOWN)) and stack.used != old)
        verifier.claims(tokens.signed(stack.used, 60, SHOWN))
        done = wait_for(stack, arn)
        assert done.outcome == "RotationSucceeded", done.cause
        with pytest.raises((JoseError, ValueError)):
            verifier.claims(tokens.signed(old, 60, SHOWN))


@pytest.mark.parametrize("where", PLACES)
def test_what_was_rolled_back_is_taken_again_by_the_next_run(where: str) -> None:
    with at_work(PLACES[where]) as (stack, _):
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


@pytest.mark.parametrize("where", PLACES)
def test_what_somebody_adds_meanwhile_stays_and_is_waited_for(where: str) -> None:
    with at_work(PLACES[where]) as (stack, _):
        arn = stack.start_execution("meanwhile")
        added = {**stack.somebody_s, "kid": "added meanwhile"}
        until(lambda: len(ours(stack)) > 1)
        become(stack, {**stack.jwks(), "keys": [*stack.jwks()["keys"], added], "issuer": "somebody"})
        done = wait_for(stack, arn)
        assert done.outcome == "RotationSucceeded", done.cause
        assert added in stack.jwks()["keys"]
        assert stack.jwks()["issuer"] == "somebody"


@pytest.mark.parametrize("state", ["SyncUsers", "DiscardOldPassword"])
def test_a_function_that_dies_when_it_has_written_the_path_costs_no_token(state: str) -> None:
    with at_work(PLACES["Vault"]) as (stack, _):
        stack.aws.fail(Fault(stack.function(state), at="end"))
        done = run(stack, f"dies-at-{state}")
        if done.outcome != "RotationSucceeded":
            done = run(stack, "carries-on")
        assert done.outcome == "RotationSucceeded", done.cause


@pytest.mark.parametrize("where", PLACES)
def test_a_dry_run_and_mode_verify_change_nothing_and_say_what_there_is(where: str) -> None:
    with at_work(PLACES[where]) as (stack, _):
        before = stack.jwks()
        verified = wait_for(stack, stack.start_execution("looks", {"mode": "verify"}))
        assert verified.outcome == "Verified", verified.cause
        planned = wait_for(stack, stack.start_execution("plans", {"mode": "dry-run"}))
        assert planned.outcome == "PlanReported", planned.cause
        assert stack.jwks() == before
        assert run(stack, "rotates").outcome == "RotationSucceeded"
