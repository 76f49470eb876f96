"""Keys of a provider on the local stack, under load: no call fails, the old key is refused, a key that was lost is gone, one of a
person's is left, and no key is anywhere but in its header, in the provider's log neither."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.faults import Fault
from local.load import Load
from local.mysql import Login
from local.provider.application import SHOWN
from local.provider.stack import Mailer
from local.shop.stack import OTHERS, Pace, login_of
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED, Turns
from tests.e2e.shared import RATE
from tests.whole import only_in_the_whole

PACE = Pace(quiet_seconds=1, cache_seconds=1)
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}


class KeyTurns(Turns):
    stack: Mailer

    def logins(self) -> tuple[Login, ...]:
        """The key in use."""
        return (login_of(self.slots[self.slots["active_slot"]]),)

    def recorded(self) -> set[str]:
        """All that the record holds: after a rollback the next one too."""
        return {self.slots[slot]["username"] for slot in "AB" if self.slots[slot]}

    def ours(self) -> set[str]:
        """What the provider has that no person made."""
        return {key.id for key in self.stack.provider.keys.values() if key.name.startswith("rotation.")}

    def assert_at_rest(self) -> None:
        super().assert_at_rest()
        assert self.ours() <= self.recorded()
        assert "another's" in {key.name for key in self.stack.provider.keys.values()}
        left = {name: value for name, value in self.stack.secret(self.stack.application_secret).items() if name in OTHERS}
        assert left == OTHERS

    def assert_rotates(self, **given: Any) -> Any:
        before = self.active
        run = self.run(**given)
        assert run.outcome == "RotationSucceeded", run.cause
        assert self.active.username != before.username
        assert not self.accepts(before)
        assert self.recorded() == {self.active.username}
        self.assert_at_rest()
        return run


@pytest.fixture(scope="module")
def mailer() -> Iterator[Mailer]:
    with Mailer(PACE, lag_seconds=0.5) as mailer:
        yield mailer
        check(mailer)
        assert mailer.provider.requests("try"), "it was searched too"


@pytest.fixture(scope="module")
def under_load(mailer: Mailer) -> Iterator[KeyTurns]:
    with Load(mailer.page, RATE, marker=SHOWN) as load:
        yield KeyTurns(mailer, load)


@pytest.fixture
def turns(under_load: KeyTurns, request: pytest.FixtureRequest) -> Iterator[KeyTurns]:
    """At rest before and after, and no call fails meanwhile."""
    start, turns = time.time(), under_load
    turns.assert_at_rest()
    yield turns
    turns.assert_at_rest()
    requests = turns.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []
    request.config.stash.setdefault(MEASURED, []).append(f"provider, {request.node.name}: {requests.served} served, 0 failed")


def test_a_rotation_ends_on_another_key_and_the_old_one_is_refused(mailer: Mailer, turns: KeyTurns) -> None:
    before = len(mailer.provider.requests("issue"))
    turns.assert_rotates()
    (issued,) = mailer.provider.requests("issue")[before:]
    assert '"scopes": ["mail.send"]' in issued["body"]


def test_a_key_that_was_issued_and_lost_is_gone_after_the_next_run(mailer: Mailer, turns: KeyTurns) -> None:
    """The provider issued it, and its answer never came."""
    mailer.provider.break_next("issue", "silent")
    turns.assert_rotates()
    assert len(turns.ours()) == 1


def test_one_that_fails_is_rolled_back_and_its_key_is_used_next(mailer: Mailer, turns: KeyTurns) -> None:
    before = mailer.used
    mailer.aws.fail(Fault(mailer.function("ValidateApp"), match={"direction": "forward"}, error=REFUSED))
    run = turns.run()
    assert run.outcome == "RolledBack", run.cause
    assert mailer.used == before
    assert turns.accepts(before)


@only_in_the_whole
def test_verify_finds_all_in_order_and_writes_nothing(mailer: Mailer, turns: KeyTurns) -> None:
    before = set(mailer.provider.keys)
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    assert set(mailer.provider.keys) == before


def test_it_is_the_same_after_a_day_of_trouble(mailer: Mailer, turns: KeyTurns) -> None:
    """Throttled, failing and slow in the middle of it: each is tried again by the machine."""
    for what, kind in (("list", "429"), ("issue", "500"), ("issue", "after"), ("delete", "after"), ("delete", "429")):
        mailer.provider.break_next(what, kind)
    turns.assert_rotates()
