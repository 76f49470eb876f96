"""Secrets Manager rotates the application's secret by itself, on real servers and the shipped functions, under load."""

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from local.faults import Fault
from local.iam.audit import audit
from local.mysql import Login
from local.stack import BUILD
from local.translation import translate
from tests.e2e.shop import OTHERS, Shop

ROTATIONS = int(os.environ.get("ROTATIONS", "4"))
"""A quarter of them killed in a step, a quarter beside a run of ours."""
TRIES, APART_SECONDS = 6, 3.0
PATIENCE_SECONDS = 180
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        shop.aws.pace_rotations(TRIES, APART_SECONDS)
        yield shop
        recording = shop.recording()
    recording.keep()
    refused = [(one.role, one.denied) for one in audit(translate(BUILD), [recording]) if one.denied]
    assert refused == [], "what IAM would have refused"


def through(shop: Shop, token: str) -> bool:
    """Secrets Manager has done with it, one way or the other, and no execution runs."""
    said = shop.said(token)
    done = {"RotationSucceeded", "RotationAbandoned"} & set(said) or said.count("RotationFailed") == TRIES
    return bool(done) and "RUNNING" not in shop.ends().values()


def rest(shop: Shop, token: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not through(shop, token):
        assert time.monotonic() < deadline, (shop.said(token), shop.ends())
        time.sleep(0.5)


def whole(shop: Shop, before: Login) -> None:
    """At rest, with labels as AWS wants them; what was used before is refused, what is used now works everywhere."""
    assert not {"AWSPENDING"} & (set(shop.labels(shop.application)) | set(shop.labels(shop.record)))
    content, record = shop.content(shop.application), shop.content(shop.record)
    assert {key: content[key] for key in OTHERS} == OTHERS
    now, active = shop.used(), record[record["active_slot"]]
    assert (active["username"], active["password"]) == (now.username, now.password)
    shop.proxy.cache.refresh()
    assert shop.proxy.accepts(now, "shop")
    assert now != before
    assert not shop.proxy.accepts(before, "shop")
    assert not shop.server.accepts(before, "shop")
    assert shop.requests.failed == []


def pressed(shop: Shop, chance: random.Random) -> str:
    token = shop.press()
    rest(shop, token)
    assert shop.said(token) == ["RotationStarted", "RotationSucceeded"]
    return token


def killed(shop: Shop, chance: random.Random) -> str:
    """In one of the steps: before it begins, in the middle, or when it is done and nobody was told."""
    at = chance.choice(("start", "end", chance.uniform(0, 1)))
    shop.aws.fail(Fault(shop.function, {"Step": chance.choice(STEPS)}, at=at))
    token = shop.press()
    rest(shop, token)
    assert shop.said(token)[-1] == "RotationSucceeded"
    shop.aws.clear_faults()
    return token


def beside(shop: Shop, chance: random.Random) -> str:
    shop.start(f"ours-{chance.randrange(10**9)}")
    time.sleep(chance.uniform(0, 15))
    token = shop.press()
    rest(shop, token)
    return token


ACTS: list[Callable[[Shop, random.Random], str]] = [pressed, pressed, killed, beside]


def test_rotations_by_the_button_end_whole_and_no_request_fails(shop: Shop) -> None:
    chance = random.Random(20)  # noqa: S311 - chance, not secrets
    for number in range(ROTATIONS):
        before = shop.used()
        ACTS[number % len(ACTS)](shop, chance)
        whole(shop, before)
    assert shop.requests.done > 100 * ROTATIONS


def test_to_attach_a_schedule_tries_the_login_and_starts_nothing(shop: Shop) -> None:
    ends, before = shop.ends(), shop.labels(shop.application)
    token = shop.press(RotateImmediately=False, RotationRules={"AutomaticallyAfterDays": 30})
    deadline = time.monotonic() + 30
    while shop.said(token)[-1:] != ["TestRotationSucceeded"]:
        assert time.monotonic() < deadline, shop.said(token)
        time.sleep(0.2)
    assert (shop.ends(), shop.labels(shop.application)) == (ends, before)
