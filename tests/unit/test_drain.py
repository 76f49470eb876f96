"""Drained means: in this run, for a whole quiet period, everything was on the new slot and nobody used the old one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from rotation.core.drain import POLL_SECONDS, POLLS, Drain, DrainStatus, Look, after

QUIET, DEADLINE = 120, 3600
STILL = Look(published=True, rolled_out=True, sessions=0, logins=40)


def looks(*at: tuple[float, Look], before: Drain | None = None) -> list[Drain]:
    """What each look left behind."""
    found: list[Drain] = []
    for now, look in at:
        before = after(look, before, now, QUIET, DEADLINE)
        found.append(before)
    return found


def statuses(drains: Sequence[Drain]) -> list[str]:
    return [str(drain.status) for drain in drains]


def test_the_first_look_never_suffices() -> None:
    [first] = looks((1000, STILL))
    assert (first.status, first.quiet_since) == (DrainStatus.WAITING, 1000)


def test_drained_after_a_whole_quiet_period_and_not_a_moment_before() -> None:
    assert statuses(looks((0, STILL), (QUIET - 0.1, STILL))) == ["waiting", "waiting"]
    assert statuses(looks((0, STILL), (QUIET, STILL))) == ["waiting", "drained"]


STIRS = {
    "a session": replace(STILL, sessions=1),
    "a login between two looks": replace(STILL, logins=41),
    "a counter that began anew with the server": replace(STILL, logins=0),
    "a counter that was switched off": replace(STILL, logins=None),
    "a rollout": replace(STILL, rolled_out=False),
    "a consumer put back": replace(STILL, published=False),
}


@pytest.mark.parametrize("stir", STIRS.values(), ids=STIRS)
def test_the_quiet_period_starts_again_when_anything_stirs(stir: Look) -> None:
    calm = replace(STILL, logins=stir.logins)
    drains = looks((0, STILL), (100, stir), (110, calm), (QUIET + 50, calm), (110 + QUIET, calm))
    assert drains[3].status is DrainStatus.WAITING
    assert drains[4].status is DrainStatus.DRAINED


def test_a_stir_in_the_last_look_counts() -> None:
    drains = looks((0, STILL), (QUIET + 1, replace(STILL, logins=41)))
    assert drains[-1].status is DrainStatus.WAITING


def test_logins_during_sessions_do_not_count_from_before_the_quiet() -> None:
    busy = replace(STILL, sessions=2)
    drains = looks((0, busy), (QUIET, STILL), (2 * QUIET, STILL))
    assert statuses(drains) == ["waiting", "waiting", "drained"]


def test_a_server_that_does_not_count_logins_can_be_drained() -> None:
    uncounted = replace(STILL, logins=None)
    assert statuses(looks((0, uncounted), (QUIET, uncounted))) == ["waiting", "drained"]


def test_a_consumer_that_was_put_back_is_published_again_first() -> None:
    everything_else_wrong = Look(published=False, rolled_out=False, sessions=3, logins=50)
    assert statuses(looks((0, everything_else_wrong))) == ["republish"]


def test_every_republishing_is_counted_and_only_those() -> None:
    back = replace(STILL, published=False)
    drains = looks((0, STILL), (1, back), (2, STILL), (3, back), (4, replace(STILL, sessions=1)))
    assert [drain.republished for drain in drains] == [0, 1, 1, 2, 2]


def test_the_deadline_counts_from_the_first_look_whatever_happens() -> None:
    drains = looks(*((now, look) for now, look in enumerate([STILL, *STIRS.values()], start=500)))
    assert {drain.began for drain in drains} == {500}


def test_what_was_drained_once_is_looked_at_again_and_may_be_so_at_once() -> None:
    """CheckStillDrained goes on from what CheckDrained left; only a stir in between makes it wait."""
    drained = looks((0, STILL), (QUIET, STILL))[-1]
    assert statuses(looks((QUIET + 5, STILL), before=drained)) == ["drained"]
    assert statuses(looks((QUIET + 5, replace(STILL, logins=41)), before=drained)) == ["waiting"]


def test_what_an_altering_step_saw_starts_the_quiet_period_anew() -> None:
    """The state machine says so in the status; the look after it may see nothing of it."""
    disturbed = replace(looks((0, STILL), (QUIET, STILL))[-1], status=DrainStatus.DISTURBED)
    drains = looks((QUIET + 5, STILL), (2 * QUIET, STILL), (2 * QUIET + 5, STILL), before=disturbed)
    assert statuses(drains) == ["waiting", "waiting", "drained"]


def test_a_clock_that_went_back_only_makes_it_wait_longer() -> None:
    assert statuses(looks((1000, STILL), (900, STILL), (1000 + QUIET - 1, STILL))) == ["waiting"] * 3


@pytest.mark.parametrize("look", [STILL, *STIRS.values()])
@pytest.mark.parametrize("quiet", [1, 7, 120, 86400])
@pytest.mark.parametrize("deadline", [1, 3600, 172800])
def test_it_is_never_looked_at_without_a_pause_nor_oftener_than_a_history_holds(look: Look, quiet: int, deadline: int) -> None:
    first = after(STILL, None, 0, quiet, deadline)
    second = after(look, first, 0.5, quiet, deadline)
    if second.status is DrainStatus.WAITING:
        assert 1 <= second.wait_seconds <= max(POLL_SECONDS, -(-deadline // POLLS))
        assert isinstance(second.wait_seconds, int)


@pytest.mark.parametrize(("deadline", "wait"), [(1200, 4), (3600, 8)])
def test_the_last_wait_ends_with_the_quiet_period_or_as_soon_after_as_the_history_allows(deadline: int, wait: int) -> None:
    first = after(STILL, None, 0, QUIET, deadline)
    assert after(STILL, first, QUIET - 3.5, QUIET, deadline).wait_seconds == wait


def test_a_quiet_period_of_a_second_is_waited_for_a_second_where_the_deadline_is_near() -> None:
    assert after(replace(STILL, sessions=1), None, 0, 1, 60).wait_seconds == 1
