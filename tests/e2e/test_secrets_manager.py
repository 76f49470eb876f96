"""Secrets Manager rotates the application's secret by itself, on real servers and the shipped functions, under load."""

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from local.faults import Fault
from local.follow import follow
from local.load import Load
from local.mysql import Login
from local.shop.proxied import Shop
from local.shop.stack import DATABASE, OTHERS, SHOWN
from tests.e2e.last_looks import check
from tests.e2e.shared import RATE
from tests.e2e.shop import ends, labels, press, said
from tests.until import until
from tests.whole import MORE, WHOLE

ROTATIONS = int(os.environ.get("ROTATIONS") or (4 if WHOLE else 2 if MORE else 1))
"""Of four one is killed in a step, one meets the drain of a run of ours, one is beside another. Every day the first, in CI two."""
TRIES, APART_SECONDS = 6, 3.0
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        shop.aws.pace_rotations(TRIES, APART_SECONDS)
        yield shop
        check(shop)


@pytest.fixture(scope="module")
def load(shop: Shop) -> Iterator[Load]:
    with Load(shop.page, RATE, marker=SHOWN) as load:
        yield load


def through(shop: Shop, token: str) -> bool:
    """Secrets Manager has done with it, one way or the other, and no execution runs."""
    events = said(shop, token)
    done = {"RotationSucceeded", "RotationAbandoned"} & set(events) or events.count("RotationFailed") == TRIES
    return bool(done) and "RUNNING" not in ends(shop).values()


def rest(shop: Shop, token: str) -> None:
    until(lambda: through(shop, token), every=0.5, seen=lambda: (said(shop, token), ends(shop)))


def whole(shop: Shop, before: Login) -> None:
    """At rest, with labels as AWS wants them; what was used before is refused, what is used now works everywhere."""
    assert not {"AWSPENDING"} & (set(labels(shop, shop.application)) | set(labels(shop, shop.slot_secret)))
    content, record = shop.secret(shop.application), shop.secret(shop.slot_secret)
    assert {key: content[key] for key in OTHERS} == OTHERS
    now, active = shop.used, record[record["active_slot"]]
    assert (active["username"], active["password"]) == (now.username, now.password)
    shop.proxy.cache.refresh()
    assert shop.proxy.accepts(now, DATABASE)
    assert now != before
    assert not shop.accepts(before.username, before.password)


def pressed(shop: Shop, chance: random.Random) -> str:
    token = press(shop)
    rest(shop, token)
    assert said(shop, token) == ["RotationStarted", "RotationSucceeded"]
    return token


def killed(shop: Shop, chance: random.Random) -> str:
    """In one of the steps: before it begins, in the middle, or when it is done and nobody was told."""
    at = chance.choice(("start", "end", chance.uniform(0, 1)))
    shop.aws.fail(Fault(shop.deployed["RotateSecretFunction"], {"Step": chance.choice(STEPS)}, at=at))
    token = press(shop)
    rest(shop, token)
    assert said(shop, token)[-1] == "RotationSucceeded"
    shop.aws.clear_faults()
    return token


def beside(shop: Shop, chance: random.Random) -> str:
    shop.start_execution(f"ours-{chance.randrange(10**9)}")
    time.sleep(chance.uniform(0, 15))
    token = press(shop)
    rest(shop, token)
    return token


def in_a_drain(shop: Shop, chance: random.Random) -> str:
    """Refused until our run ends, which takes the version off that it finds waiting; then tried again."""
    ours = shop.start_execution(f"drains-{chance.randrange(10**9)}")
    next(visit for _, visit in follow(shop, ours) if visit and visit.state == "FlipSlot")
    token = press(shop)
    rest(shop, token)
    assert "RotationFailed" in said(shop, token)
    return token


ACTS: list[Callable[[Shop, random.Random], str]] = [killed, in_a_drain, pressed, beside]


def test_rotations_by_the_button_end_whole_and_no_request_fails(shop: Shop, load: Load) -> None:
    chance = random.Random(20)  # noqa: S311 - chance, not secrets
    for number in range(ROTATIONS):
        before = shop.used
        ACTS[number % len(ACTS)](shop, chance)
        whole(shop, before)
        assert load.results().failures == []
    assert load.results().served > 10 * RATE * ROTATIONS


def test_to_attach_a_schedule_tries_the_login_and_starts_nothing(shop: Shop) -> None:
    before = ends(shop), labels(shop, shop.application)
    token = press(shop, RotateImmediately=False, RotationRules={"AutomaticallyAfterDays": 30})
    until(lambda: said(shop, token)[-1:] == ["TestRotationSucceeded"], every=0.2, seen=lambda: said(shop, token))
    assert (ends(shop), labels(shop, shop.application)) == before
