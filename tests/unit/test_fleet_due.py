"""What is due, in which waves and lanes, and when a fleet stops: tables, and what must hold for any fleet."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rotation.core.classes import CLASSES
from rotation.fleet import budget
from rotation.fleet.budget import Verdict
from rotation.fleet.due import Facts, Intent, Standing, by_standing, is_late, standing
from rotation.fleet.outcome import UNSEEN_SECONDS, Outcome, Seen, came, poll_seconds
from rotation.fleet.run import Settings, execution_name, outcome_key, outcomes_in
from rotation.fleet.waves import LEAST, Item, in_lanes, in_waves

MONTHLY = CLASSES["monthly"]
NOW = 1_800_000_000.0

# ---- due -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(MONTHLY, 0), Standing.NOT_YET),
        (Facts(MONTHLY, 29.9), Standing.NOT_YET),
        (Facts(MONTHLY, 30), Standing.DUE),
        (Facts(MONTHLY, 34), Standing.DUE),
        (Facts(MONTHLY, 34.1), Standing.OVERDUE),
        (Facts(CLASSES["365-days"], 34.1), Standing.NOT_YET),
        (Facts(MONTHLY, 0, Intent.LEFT), Standing.DUE),
        (Facts(MONTHLY, 40, Intent.LEFT), Standing.OVERDUE),
        (Facts(MONTHLY, 40, Intent.RUNNING), Standing.BUSY),
        (Facts(MONTHLY, 40, held_until=NOW + 1), Standing.HELD),
        (Facts(MONTHLY, 40, held_until=NOW), Standing.OVERDUE),
        (Facts(MONTHLY, 40, Intent.RUNNING, held_until=NOW + 1), Standing.HELD),
        (Facts(MONTHLY, None), Standing.UNKNOWN),
        (Facts(MONTHLY, None, trouble="TargetInvalid: …"), Standing.UNKNOWN),
        (Facts(MONTHLY, 3, trouble="SecretDenied: …", held_until=NOW + 1), Standing.HELD),
    ],
)
def test_how_a_target_stands(facts: Facts, expected: Standing) -> None:
    assert standing(facts, NOW) is expected


@pytest.mark.parametrize(
    ("days", "older_than", "expected"),
    [(0.5, 1, Standing.NOT_YET), (1, 1, Standing.DUE), (30, 400, Standing.DUE), (35, 1, Standing.OVERDUE)],
)
def test_a_person_may_want_more_than_is_due_and_never_less(days: float, older_than: float, expected: Standing) -> None:
    assert standing(Facts(MONTHLY, days), NOW, older_than) is expected


def test_a_held_target_grows_late_like_any_other() -> None:
    assert is_late(Facts(MONTHLY, 40, held_until=NOW + 1))
    assert is_late(Facts(MONTHLY, None))
    assert not is_late(Facts(MONTHLY, 34))


@pytest.mark.parametrize("kind", CLASSES.values(), ids=list(CLASSES))
def test_a_fleet_that_looks_once_a_day_is_never_later_than_the_class_allows(kind: object) -> None:
    """Whenever the last rotation was, one of the looks on the days before the period ends finds it due."""
    period = CLASSES[kind.name].period_days  # type: ignore[attr-defined]
    looks = [offset + day for offset in (0.01, 0.5, 0.99) for day in range(period)]
    assert any(standing(Facts(CLASSES[kind.name], days), NOW) is Standing.DUE for days in looks)  # type: ignore[attr-defined]
    assert all(standing(Facts(CLASSES[kind.name], days), NOW) is not Standing.OVERDUE for days in looks)  # type: ignore[attr-defined]


def test_every_standing_is_counted() -> None:
    assert by_standing([Standing.DUE, Standing.DUE]) == {one: 2 * (one is Standing.DUE) for one in Standing}


# ---- waves -----------------------------------------------------------------------------------------------------------------


def item(number: int, kind: str = "mysql", places: tuple[str, ...] = (), *, lateness: float = 0, left: bool = False) -> Item:
    return Item(f"t{number:04}", kind, frozenset(places), f"v{number}", f"arn:{number}", lateness, left)


def test_one_canary_of_each_kind_then_tenths() -> None:
    waves = in_waves([item(n, f"kind {n % 3}") for n in range(1000)], "run")
    assert sorted(one.kind for one in waves[0]) == ["kind 0", "kind 1", "kind 2"]
    assert [len(wave) for wave in waves[1:]] == [100] * 9 + [97]


def test_another_day_has_another_canary() -> None:
    """A target that always fails stops the fleet on few days."""
    items = [item(n) for n in range(50)]
    canaries = Counter(in_waves(items, f"run {day}")[0][0].target for day in range(100))
    assert len(canaries) > 25
    assert in_waves(items, "run 1") == in_waves(items[::-1], "run 1")


def test_what_was_left_half_done_is_no_canary_but_comes_first_after_them() -> None:
    waves = in_waves([item(1), item(2), item(3, left=True), item(4, lateness=9), item(5, "other", left=True)], "run")
    assert [one.left for one in waves[0] if one.kind == "mysql"] == [False]
    assert "t0005" in {one.target for one in waves[0]}, "it is the only one of its kind"
    assert waves[1][0].target == "t0003"


ITEMS = st.lists(
    st.builds(
        item,
        st.integers(0, 9999),
        st.sampled_from(["mysql", "postgresql", "wordpress"]),
        st.lists(st.sampled_from("abcdef"), max_size=3).map(tuple),
        lateness=st.integers(0, 50),
        left=st.booleans(),
    ),
    max_size=60,
    unique_by=lambda one: one.target,
)


@given(ITEMS, st.text(max_size=4))
def test_every_target_has_one_turn_and_kinds_go_first_alone(items: list[Item], run: str) -> None:
    waves = in_waves(items, run)
    assert sorted(one.target for wave in waves for one in wave) == sorted(one.target for one in items)
    assert all(waves)
    if waves:
        assert Counter(one.kind for one in waves[0]) == dict.fromkeys({one.kind for one in items}, 1)
        assert max((len(wave) for wave in waves[1:]), default=0) <= max(LEAST, -(-len(items) // 10))
    rest = [one for wave in waves[1:] for one in wave]
    assert all((not a.left, -a.lateness) <= (not b.left, -b.lateness) for a, b in pairwise(rest))


@given(ITEMS, st.integers(1, 4), st.integers(1, 12))
def test_no_place_is_in_more_lanes_than_may_be_at_work_there(items: list[Item], per_place: int, at_once: int) -> None:
    lanes = in_lanes(items, per_place, at_once)
    assert sorted(one.target for lane in lanes for one in lane) == sorted(one.target for one in items)
    assert len(lanes) <= at_once
    assert all(lanes)
    for place in "abcdef":
        assert sum(any(place in one.places for one in lane) for lane in lanes) <= per_place


def test_sixty_targets_of_one_server_are_in_three_lanes_of_twenty() -> None:
    assert [len(lane) for lane in in_lanes([item(n, places=("db:3306",)) for n in range(60)], 3, 40)] == [20, 20, 20]


def test_targets_that_share_nothing_run_side_by_side() -> None:
    assert [len(lane) for lane in in_lanes([item(n, places=(f"db{n}",)) for n in range(40)], 3, 40)] == [1] * 40


# ---- budget ----------------------------------------------------------------------------------------------------------------


def outcomes(waves: list[list[str]], failed: set[str]) -> dict[str, Outcome]:
    return {one: Outcome.FAILED if one in failed else Outcome.ROTATED for wave in waves for one in wave}


def run_to_its_end(waves: list[list[str]], failed: set[str], percent: float) -> tuple[int, Verdict]:
    """How many waves were begun."""
    said = outcomes(waves, failed)
    for number in range(len(waves)):
        begun = {one: said[one] for wave in waves[: number + 1] for one in wave}
        decision = budget.after(number, waves, begun, percent)
        if decision.verdict is not Verdict.GO_ON:
            return number + 1, decision.verdict
    raise AssertionError("it must end")


WAVES = [["c"], *([f"t{wave}-{n}" for n in range(20)] for wave in range(10))]
EACH = [one for wave in WAVES[1:] for one in wave]


@pytest.mark.parametrize(
    ("failed", "begun", "verdict"),
    [
        (set(), 11, Verdict.DONE),
        ({"c"}, 1, Verdict.STOP),
        (set(EACH[::20]), 11, Verdict.DONE),
        (set(EACH[::10]), 11, Verdict.DONE),
        (set(EACH[::5]), 7, Verdict.STOP),
        (set(EACH), 3, Verdict.STOP),
    ],
    ids=["nobody", "a canary", "5 % of 201", "10 %", "20 %: stops after the tenth in which it is gone", "everybody"],
)
def test_when_a_fleet_stops(failed: set[str], begun: int, verdict: Verdict) -> None:
    assert run_to_its_end(WAVES, failed, 10) == (begun, verdict)


def test_who_said_nothing_has_failed() -> None:
    assert budget.after(0, [["c"], ["d"]], {}, 100).verdict is Verdict.STOP
    assert budget.after(1, [["c"], ["d"]], {"c": Outcome.ROTATED}, 0).reason == "1 of 2 failed"


def test_whom_somebody_else_was_at_is_no_failure() -> None:
    said = {"c": Outcome.BUSY, "d": Outcome.MEANWHILE}
    assert budget.after(0, [["c"], ["d"]], said, 0).verdict is Verdict.GO_ON


def test_one_target_alone_has_nobody_to_be_stopped_for() -> None:
    assert budget.after(0, [["c"]], {"c": Outcome.FAILED}, 0).verdict is Verdict.DONE


# ---- outcome ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "waited", "expected"),
    [
        (Seen(flipped=True, there=True, running=True), 5, Outcome.ROTATED),
        (Seen(flipped=False, there=True, running=True), 5, None),
        (Seen(flipped=False, there=True, running=True), 600, Outcome.SLOW),
        (Seen(flipped=False, there=True, running=False, end="SUCCEEDED"), 5, Outcome.ROTATED),
        (Seen(flipped=False, there=True, running=False, end="RolledBack", cause="x"), 5, Outcome.FAILED),
        (Seen(flipped=False, there=True, running=False, end="ABORTED"), 5, Outcome.FAILED),
        (Seen(flipped=False, there=True, running=False, end="RotationAlreadyRunning"), 5, Outcome.BUSY),
        (Seen(flipped=False, there=True, running=False, end="OldSlotNotRotated"), 5, Outcome.ROTATED),
        (Seen(flipped=False, there=False, running=False), 5, None),
        (Seen(flipped=False, there=False, running=False), UNSEEN_SECONDS, Outcome.FAILED),
    ],
)
def test_what_came_of_a_target(seen: Seen, waited: float, expected: Outcome | None) -> None:
    found = came(seen, waited, 600)
    assert (found and found.outcome) is expected


@given(st.floats(0, 90_000))
def test_looks_become_rarer_and_never_stop(waited: float) -> None:
    assert 2 <= poll_seconds(waited) <= 120
    assert poll_seconds(waited) <= poll_seconds(waited + 10)


def test_a_lane_of_thirty_that_never_flip_has_room_in_its_history() -> None:
    """A look is a Wait, a Task and a Choice: nine events. Of a thousand targets on one server a wave has three lanes of 34."""
    looks, waited = 0, 0.0
    while waited < 7200:
        waited += poll_seconds(waited)
        looks += 1
    assert 34 * (looks * 9 + 30) < 25_000


# ---- what is written down --------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True), st.sampled_from(Outcome), max_size=5))
def test_an_outcome_reads_back_from_its_key(found: dict[str, Outcome]) -> None:
    assert outcomes_in("run", [outcome_key("run", *one) for one in found.items()]) == found


def test_of_two_outcomes_the_flip_is_the_newer_truth() -> None:
    keys = [outcome_key("run", "app", one) for one in (Outcome.SLOW, Outcome.ROTATED)]
    assert outcomes_in("run", keys) == outcomes_in("run", keys[::-1]) == {"app": Outcome.ROTATED}


@given(st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True), st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True))
def test_a_rotations_name_is_one_that_step_functions_takes(run: str, target: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", execution_name(run, target))


def test_long_names_stay_apart() -> None:
    assert execution_name("r" * 80, "a") != execution_name("r" * 80, "b")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at_once": 0}, "at_once"),
        ({"at_once": "many"}, "at_once"),
        ({"per_place": 1.5}, "per_place"),
        ({"percent": 101}, "percent"),
        ({"patience_seconds": None}, "patience_seconds"),
        ({"older_than_days": -1}, "older_than_days"),
        ({"at_onze": 3}, "at_onze: no such setting"),
    ],
)
def test_a_slip_in_the_settings_is_named(change: dict[str, object], said: str) -> None:
    good: dict[str, object] = {"at_once": 20, "per_place": 3, "percent": 10, "patience_seconds": 7200}
    assert Settings.parse(good) == Settings(20, 3, 10.0, 7200)
    with pytest.raises(ValueError, match=said):
        Settings.parse(good | change)
