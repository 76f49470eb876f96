"""The one reader of an execution's events: visits, the tries that failed in them, iterations of a Map, and the end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rotation.told.failures import Failure, as_object, caught, failure
from rotation.told.history import Event, History, Visit, read

from local.execution_log import log_event

ARN = "arn:aws:states:us-east-1:123456789012:execution:credential-rotation:monthly"
BEGAN = datetime(2026, 3, 1, 3, tzinfo=UTC)
REFUSED = json.dumps({"errorMessage": "openemr: no", "errorType": "LoginRefused", "stackTrace": ["a line", "another"]})


class Raw:
    """Events as GetExecutionHistory answers them, a second apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, details: str = "", **told: Any) -> "Raw":
        number = len(self.events) + 1
        at = BEGAN + timedelta(seconds=number - 1)
        raw = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": at}
        self.events.append({**raw, f"{details}EventDetails": told} if details else raw)
        return self

    def enter(self, kind: str, state: str) -> "Raw":
        return self.add(f"{kind}StateEntered", "stateEntered", name=state, input="{}")

    def leave(self, kind: str, state: str) -> "Raw":
        return self.add(f"{kind}StateExited", "stateExited", name=state, output="{}")

    def iteration(self, what: str, index: int) -> "Raw":
        return self.add(f"MapIteration{what}", f"mapIteration{what}", name="Publish", index=index)

    def fail_a_try(self, kind: str = "TaskFailed", **told: Any) -> "Raw":
        return self.add("TaskScheduled").add(kind, kind[0].lower() + kind[1:], resourceType="lambda", **told)

    def read(self) -> History:
        return read(map(Event.of_history, self.events))


def rolled_back() -> Raw:
    """A consumer of two fails twice and is given up."""
    raw = Raw().add("ExecutionStarted", "executionStarted", input="{}").enter("Map", "Publish").add("MapStateStarted")
    raw.iteration("Started", 0).enter("Task", "WriteSqlconf").leave("Task", "WriteSqlconf").iteration("Succeeded", 0)
    raw.iteration("Started", 1).enter("Task", "PatchSecret")
    raw.fail_a_try(error="LoginRefused", cause=REFUSED).fail_a_try("TaskTimedOut", error="States.Timeout")
    raw.leave("Task", "PatchSecret").enter("Fail", "PatchSecretFailed").iteration("Failed", 1).add("MapStateFailed")
    raw.leave("Map", "Publish").enter("Task", "CloseFlip").leave("Task", "CloseFlip").enter("Fail", "RolledBack")
    return raw.add("ExecutionFailed", "executionFailed", error="RolledBack", cause="Rolled back.")


def test_each_visit_says_when_its_state_was_entered_and_left() -> None:
    visits = rolled_back().read().visits
    seconds = [(one.state, one.kind, one.entered - BEGAN.timestamp(), one.left and one.left - BEGAN.timestamp()) for one in visits]
    assert seconds == [
        ("Publish", "Map", 1, 17),
        ("WriteSqlconf", "Task", 4, 5),
        ("PatchSecret", "Task", 8, 13),
        ("PatchSecretFailed", "Fail", 14, None),
        ("CloseFlip", "Task", 18, 19),
        ("RolledBack", "Fail", 20, None),
    ]


def test_how_long_a_visit_lasted_is_exact_to_the_microsecond() -> None:
    later = (BEGAN + timedelta(microseconds=50_000)).timestamp()
    assert Visit("ReadSlots", "Task", BEGAN.timestamp(), later).seconds(until=0) == 0.05
    assert Visit("ReadSlots", "Task", BEGAN.timestamp()).seconds(until=later) == 0.05


def test_a_try_that_failed_belongs_to_the_visit_in_which_it_was_tried() -> None:
    tries = {visit.state: visit.failed_tries for visit in rolled_back().read().visits if visit.failed_tries}
    assert tries == {
        "PatchSecret": [Failure("PatchSecret", "LoginRefused", "openemr: no"), Failure("PatchSecret", "States.Timeout", "")]
    }


def test_a_step_gave_up_where_no_try_succeeded() -> None:
    assert [visit.state for visit in rolled_back().read().visits if visit.gave_up] == ["PatchSecret"]
    once = Raw().enter("Task", "SyncUsers").fail_a_try(error="SourceBusy", cause=REFUSED).add("TaskSucceeded")
    [visit] = once.leave("Task", "SyncUsers").read().visits
    assert (visit.answered, visit.gave_up, len(visit.failed_at)) == (True, False, 1)


@pytest.mark.parametrize(
    ("given", "item"),
    [('{"function": {"name": "flip_slot"}}', "flip_slot"), ('{"consumer": {"kind": "secret"}}', "secret"), ("", "")],
)
def test_a_visit_inside_a_map_says_what_it_is_about(given: str, item: str) -> None:
    raw = Raw().enter("Map", "Publish").iteration("Started", 0)
    [_, visit] = raw.add("TaskStateEntered", "stateEntered", name="ProbeFunction", input=given).read().visits
    assert visit.item == item


def test_a_visit_inside_a_map_says_in_which_in_which_iteration() -> None:
    iterations = {visit.state: visit.iteration for visit in rolled_back().read().visits}
    assert iterations == {
        "Publish": None, "WriteSqlconf": 0, "PatchSecret": 1, "PatchSecretFailed": 1, "CloseFlip": None, "RolledBack": None,
    }  # fmt: skip


def test_the_end_is_the_executions_own_error_and_cause() -> None:
    history = rolled_back().read()
    assert (history.status, history.error, history.cause) == ("FAILED", "RolledBack", "Rolled back.")
    assert history.ended == BEGAN.timestamp() + 21


def test_one_without_an_end_is_running() -> None:
    history = Raw().enter("Task", "ReadSlots").read()
    assert (history.status, history.ended, history.terminal) == ("RUNNING", None, None)


@pytest.mark.parametrize("kind", ["Succeed", "Fail"])
def test_the_terminal_state_is_the_last_that_was_entered(kind: str) -> None:
    assert Raw().enter("Task", "ReadSlots").leave("Task", "ReadSlots").enter(kind, "TheEnd").read().terminal == "TheEnd"


def test_a_fail_inside_a_map_is_none_once_the_map_is_left_or_another_state_entered() -> None:
    inside = Raw().enter("Map", "Publish").enter("Fail", "WriteSqlconfFailed").leave("Map", "Publish")
    assert inside.read().terminal is None
    assert inside.enter("Task", "CloseFlip").read().terminal is None


def test_what_was_not_left_when_the_execution_ended_lasted_until_then_and_the_rest_as_long_as_it_did() -> None:
    history = rolled_back().read()
    history.close(history.ended)
    left = {visit.state: visit.left for visit in history.visits}
    assert left["PatchSecretFailed"] == left["RolledBack"] == history.ended
    assert left["CloseFlip"] == BEGAN.timestamp() + 19


def test_the_log_says_the_same_as_the_history_in_whatever_order_it_comes() -> None:
    raw = rolled_back()
    lines = [json.loads(log_event(event, ARN, include_data=True)["message"]) for event in raw.events]
    assert read(Event.of_log(line) for line in reversed(lines)) == raw.read()


def test_a_state_whose_name_was_cut_off_is_left_out() -> None:
    raw = Raw().add("TaskStateEntered", "stateEntered").add("TaskStateExited", "stateExited").enter("Fail", "RolledBack")
    assert [visit.state for visit in raw.read().visits] == ["RolledBack"]


def test_a_state_that_was_left_before_the_first_event_is_left_out() -> None:
    assert Raw().leave("Task", "ReadSlots").fail_a_try(error="LoginRefused").read() == History()


# ---- what failed --------------------------------------------------------------------------------------------------------------


def test_a_function_s_cause_is_its_error_and_its_message_and_no_stack_trace() -> None:
    assert failure("ValidateApp", "LoginRefused", REFUSED) == Failure("ValidateApp", "LoginRefused", "openemr: no")


@pytest.mark.parametrize("cause", ["Sandbox died", '"Sandbox died"', '{"errorMessage": "Sandb'])
def test_another_cause_is_told_as_it_is(cause: str) -> None:
    assert failure("ValidateApp", "Sandbox.Timedout", cause) == Failure("ValidateApp", "Sandbox.Timedout", cause)


def test_a_consumer_s_failure_is_named_by_its_own_step() -> None:
    cause = f"PatchSecret failed: ClusterRefused {REFUSED}"
    assert failure("Publish", "PublishFailed", cause) == Failure("PatchSecret", "LoginRefused", "openemr: no")
    assert failure("Publish", "PublishFailed", "cut off") == Failure("Publish", "PublishFailed", "cut off")


def test_failures_that_were_caught_are_told_step_by_step_those_of_the_way_forward_too() -> None:
    one = {"Error": "LoginRefused", "Cause": REFUSED}
    told = {"forward": {"ValidateApp": one}, "ReleaseRotation": {"Error": "States.Timeout"}, "odd": 7}
    assert list(caught(told)) == [
        Failure("ValidateApp", "LoginRefused", "openemr: no"),
        Failure("ReleaseRotation", "States.Timeout", ""),
    ]


@pytest.mark.parametrize("odd", ["[1]", "7", '{"cut": ', "", None, 7, ["list"]])
def test_what_is_no_object_is_an_empty_one(odd: Any) -> None:
    assert as_object(odd) == {}
