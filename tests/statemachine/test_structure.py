"""The definition as a document: what must be so in every state, and how long and how big an execution may become."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from rotation.core import drain, rollout
from rotation.core.drain import Look
from rotation.core.errors import TransientError

from tests.statemachine.machine import ROOT, State, function_of, scopes, shipped, states, stem, tasks
from tests.statemachine.runs import Case, Execution

SCHEMA = json.loads((ROOT / "layers/rotation/rotation/kinds/target.schema.json").read_text())["properties"]
HISTORY_LIMIT = 25_000
AT_LEAST_ASLEEP_SECONDS = 300  # how long a function that slept a month is given, at the least

each_state = pytest.mark.parametrize(("name", "state"), states(shipped()).items(), ids=list(states(shipped())))
each_task = pytest.mark.parametrize(("name", "task"), tasks(shipped()).items(), ids=list(tasks(shipped())))


def following(state: State) -> Iterator[str]:
    """Every state that may come next."""
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (one["Next"] for key in ("Choices", "Catch") for one in state.get(key, []))


def words(value: Any) -> Iterator[str]:
    """Every key and every text, as deep as it goes."""
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from words(one)
    elif isinstance(value, list):
        for one in value:
            yield from words(one)
    elif isinstance(value, str):
        yield value


# ---- every Task ---------------------------------------------------------------------------------------------------------


@each_task
def test_a_task_has_a_time_out(name: str, task: State) -> None:
    assert isinstance(task["TimeoutSeconds"], int)


@each_task
def test_a_task_has_the_same_three_retries_as_every_other(name: str, task: State) -> None:
    assert task["Retry"] == tasks(shipped())["ReadSlots"]["Retry"]
    assert len(task["Retry"]) == 3


@each_task
def test_a_task_catches_whatever_is_left(name: str, task: State) -> None:
    *named, last = task["Catch"]
    assert last["ErrorEquals"] == ["States.ALL"]
    assert not [one for one in named if "States.ALL" in one["ErrorEquals"]]


@each_task
def test_a_task_keeps_the_input_of_whoever_catches_its_error(name: str, task: State) -> None:
    inside = name not in shipped()["States"]
    wanted = "$.failure" if inside else f"$.failures.{name}"
    assert {one["ResultPath"] for one in task["Catch"]} == {wanted}


@each_task
def test_a_task_takes_over_only_what_it_names(name: str, task: State) -> None:
    assert task["ResultPath"] is None or ("ResultSelector" in task and task["ResultPath"].startswith("$."))


ANOTHER_S = {
    "CheckStillDrained": "CheckDrained",
    **dict.fromkeys(("ValidateService", "CutOverService", "CleanUpService"), "PrepareService"),
}
"""Further looks, and phases, of one function."""


@each_task
def test_a_task_invokes_the_function_of_its_name(name: str, task: State) -> None:
    assert task["Resource"] == "arn:aws:states:::lambda:invoke"
    if name == "ProbeFunction":
        assert task["Parameters"]["FunctionName.$"] == "$.function.arn"
    else:
        assert function_of(task) == stem(ANOTHER_S.get(name, name))


def test_our_transient_errors_are_the_ones_that_are_tried_again() -> None:
    ours = tasks(shipped())["ReadSlots"]["Retry"][2]["ErrorEquals"]
    assert set(ours) == {error.__name__ for error in TransientError.__subclasses__()}


def test_a_function_that_sleeps_is_given_five_minutes_to_wake() -> None:
    """The back-off has full jitter: half of it, on average."""
    retry = tasks(shipped())["ReadSlots"]["Retry"][0]
    waits = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"]) for n in range(retry["MaxAttempts"])
    ]
    assert sum(waits) / 2 >= AT_LEAST_ASLEEP_SECONDS


def test_every_retry_has_jitter_and_a_cap() -> None:
    for retry in tasks(shipped())["ReadSlots"]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]


# ---- every state --------------------------------------------------------------------------------------------------------


@each_state
def test_a_state_says_why_in_one_line(name: str, state: State) -> None:
    assert state["Comment"].strip()
    assert "\n" not in state["Comment"]


@each_state
def test_a_choice_asks_and_states_no_fact(name: str, state: State) -> None:
    """It is entered before anything is known: "Drained" would lie in the console."""
    assert (state["Type"] == "Choice") is name.startswith(("Choose", "Is", "Was", "Does"))


def test_every_next_exists_and_every_state_is_reached() -> None:
    for scope in scopes(shipped()):
        reached, new = set(), {scope["StartAt"]}
        while new:
            reached |= new
            new = {one for name in new for one in following(scope["States"][name])} - reached
        assert reached == set(scope["States"])


def test_no_name_is_used_twice() -> None:
    assert len(states(shipped())) == sum(len(scope["States"]) for scope in scopes(shipped()))


def test_everything_is_jsonpath_without_variables() -> None:
    assert shipped().get("QueryLanguage", "JSONPath") == "JSONPath"
    found = set(words(shipped()))
    assert not found & {"QueryLanguage", "Assign", "Output", "Arguments"} - set(shipped())
    assert not [word for word in found if word.startswith("{%")]


def test_what_breaks_the_local_engine_or_means_something_else_there_is_not_used() -> None:
    text = "\n".join(words(shipped()))
    for word in ("$$.Execution.StartTime", "$$.State.RetryCount", "\\'"):
        assert word not in text


def test_every_fail_is_called_by_its_own_name_and_tells_why() -> None:
    for name, state in shipped()["States"].items():
        if state["Type"] == "Fail":
            assert state["Error"] == name
            assert "$." in state["CausePath"]


def test_publishing_is_one_consumer_after_the_other() -> None:
    publish = shipped()["States"]["Publish"]
    assert (publish["MaxConcurrency"], publish["ItemsPath"]) == (1, "$.publishing")
    assert publish["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


# ---- how long it may last -----------------------------------------------------------------------------------------------


def maximum(*keys: str) -> int:
    found = SCHEMA
    for key in keys[:-1]:
        found = found[key]["properties"]
    return int(found[keys[-1]]["maximum"])


ROLLOUT, DRAIN = maximum("rollout", "deadline_seconds"), maximum("drain", "deadline_seconds")
OVERLAP = maximum("overlap_seconds")


def test_the_comment_on_top_states_the_time_budget() -> None:
    comment = shipped()["Comment"]
    assert "Time budget" in comment
    for words_of in (f"at most {ROLLOUT // 3600} h", f"at most {DRAIN // 3600} h", f"up to {OVERLAP // 3600} h"):
        assert words_of in comment


def test_a_rotation_of_the_most_patient_target_fits_the_time_budget() -> None:
    assert shipped()["TimeoutSeconds"] > ROLLOUT + OVERLAP + DRAIN


def test_a_run_that_finishes_an_older_one_first_fits_the_time_budget_too() -> None:
    assert shipped()["TimeoutSeconds"] > DRAIN + ROLLOUT + OVERLAP + DRAIN


def test_a_revocation_that_finishes_an_older_run_first_fits_the_time_budget() -> None:
    """It waits for no overlap."""
    assert shipped()["TimeoutSeconds"] > DRAIN + 2 * (ROLLOUT + DRAIN)


# ---- how long its history may become ------------------------------------------------------------------------------------

WAITING = {"status": "waiting"}
NEVER_QUIET = Look(published=True, rolled_out=True, sessions=1, logins=None)


@cache
def looks_at_a_rollout(deadline: int) -> int:
    looks, waited = 0, 0
    while waited <= deadline:
        waited += rollout.poll_seconds(waited)
        looks += 1
    return looks


@cache
def looks_at_a_drain(quiet: int, deadline: int) -> int:
    looks, now, seen = 0, 0, None
    while now <= deadline:
        seen = drain.after(NEVER_QUIET, seen, now, quiet, deadline)
        now += seen.wait_seconds
        looks += 1
    return looks


WITHOUT_LOOKS, A_LOOK = 160, 9
"""Events in the history of a rotation without waiting, and those that a look adds: a Wait, a Task and a Choice."""

MEASURED = [
    pytest.param(Case("history as is"), 0, id="no look"),
    pytest.param(Case("history of a rollout", {"check_rollout": [WAITING] * 5}), 5, id="rollout"),
    pytest.param(Case("history of a drain", {"check_drained": [WAITING] * 5}), 5, id="drain"),
]


@pytest.mark.parametrize(("run", "looks"), MEASURED, indirect=["run"])
def test_the_estimate_of_the_history_holds_for_a_short_one(run: Execution, looks: int) -> None:
    estimated = WITHOUT_LOOKS + looks * A_LOOK
    assert 0 <= estimated - run.events < 30


def estimate(rollouts: int, drains: int, *, slow: int = ROLLOUT, quiet: int = 120, patient: int = DRAIN) -> int:
    looks = rollouts * looks_at_a_rollout(slow) + drains * looks_at_a_drain(quiet, patient)
    return (1 + drains) * WITHOUT_LOOKS + looks * A_LOOK


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(estimate(1, 2, slow=3600, patient=3600), id="shipped defaults, an older retirement first"),
        pytest.param(estimate(2, 0), id="slowest rollout, rolled back"),
        pytest.param(estimate(1, 1), id="slowest rollout, longest drain"),
        pytest.param(estimate(1, 1, quiet=1), id="the same, shortest quiet period"),
        pytest.param(estimate(1, 2), id="the same, an older retirement first"),
        pytest.param(estimate(1 + drain.REPUBLISHES, 1), id="the same, republished as often as allowed"),
        pytest.param(estimate(4, 0), id="two slowest rollouts, rolled back"),
        pytest.param(estimate(2, 3), id="a revocation, an older retirement first"),
    ],
)
def test_the_history_of_the_longest_run_has_room_to_spare(events: int) -> None:
    assert events < HISTORY_LIMIT
