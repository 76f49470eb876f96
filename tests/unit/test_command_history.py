"""An execution is read the same from Step Functions and from its log, and also where its events stop in the middle."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rotation.told.failures import Failure
from rotation.told.history import Event
from rotation.told.runbook import Urgency
from rotation_cli.history import Run, needed, read

from local.execution_log import log_event

ARN = "arn:aws:states:us-east-1:123456789012:execution:credential-rotation:monthly"
BEGAN = datetime(2026, 3, 1, 3, tzinfo=UTC)
SITUATION = {"slot": "B", "old_slot": "A", "labels": {"current": "v0", "pending": None}}


class History:
    """Events as GetExecutionHistory answers them."""

    def __init__(self, given: dict[str, Any] | None = None) -> None:
        self.raw: list[dict[str, Any]] = []
        self.add("ExecutionStarted", 0, "executionStartedEventDetails", input=json.dumps(given or {}))

    def add(self, kind: str, after: float, details: str, **told: Any) -> "History":
        at = BEGAN + timedelta(seconds=after)
        self.raw.append({"id": len(self.raw) + 1, "previousEventId": len(self.raw), "type": kind, "timestamp": at, details: told})
        return self

    def enter(self, state: str, kind: str, after: float, **known: Any) -> "History":
        return self.add(f"{kind}StateEntered", after, "stateEnteredEventDetails", name=state, input=json.dumps(known))

    def leave(self, state: str, kind: str, after: float, **known: Any) -> "History":
        return self.add(f"{kind}StateExited", after, "stateExitedEventDetails", name=state, output=json.dumps(known))

    def fail(self, after: float, error: str) -> "History":
        return self.add("ExecutionFailed", after, "executionFailedEventDetails", error=error, cause="Rolled back.")

    def read(self, source: str = "history") -> Run:
        if source == "log":
            lines = [json.loads(log_event(raw, ARN, include_data=True)["message"]) for raw in self.raw]
            found = read(ARN, [needed(Event.of_log(line)) for line in reversed(lines)])
        else:
            found = read(ARN, [needed(Event.of_history(raw)) for raw in self.raw])
        assert found is not None
        return found


def answered(error: str, message: str) -> str:
    """What Lambda says of a function that raised."""
    return json.dumps({"errorMessage": message, "errorType": error})


def rolled_back() -> History:
    failures = {
        "forward": {
            "ValidateApp": {
                "Error": "LoginRefused",
                "Cause": json.dumps({"errorMessage": "openemr: no", "errorType": "LoginRefused"}),
            }
        }
    }
    return (
        History({"started_by": "schedule"})
        .enter("ReadInput", "Pass", 0.1)
        .leave("ReadInput", "Pass", 0.2, input={"mode": "rotate", "target": "openemr", "started_by": "schedule"})
        .enter("ReadSlots", "Task", 0.3)
        .leave("ReadSlots", "Task", 1, situation=SITUATION)
        .enter("ClaimRotation", "Task", 1)
        .leave("ClaimRotation", "Task", 2, situation=SITUATION, claim={"version": "v1"})
        .enter("WaitForRollout", "Wait", 2)
        .leave("WaitForRollout", "Wait", 62)
        .enter("RolledBack", "Fail", 65, failures=failures)
        .fail(65, "RolledBack")
    )  # fmt: skip


@pytest.mark.parametrize("source", ["history", "log"])
def test_a_run_that_was_rolled_back(source: str) -> None:
    run = rolled_back().read(source)
    assert (run.name, run.target, run.mode, run.outcome) == ("monthly", "openemr", "rotate", "RolledBack")
    assert (run.began, run.ended) == (BEGAN, BEGAN + timedelta(seconds=65))
    assert (run.seconds(BEGAN), run.waiting(BEGAN), run.working(BEGAN)) == (65, 60, 5)
    assert run.failures == (Failure("ValidateApp", "LoginRefused", "openemr: no"),)
    assert (run.slots, run.versions.found, run.versions.flip, run.versions.retire) == (("A", "B"), "v0", ("v1",), ())
    assert run.end is not None
    assert run.end.urgency is Urgency.LOOK


def test_a_run_that_goes_on_lasts_until_now() -> None:
    run = History().enter("ReadSlots", "Task", 1).read()
    assert (run.status, run.terminal, run.end, run.visits[0].left) == ("RUNNING", None, None, None)
    assert run.seconds(BEGAN + timedelta(seconds=7)) == 7


@pytest.mark.parametrize(("kind", "status"), [("ExecutionAborted", "ABORTED"), ("ExecutionTimedOut", "TIMED_OUT")])
def test_a_run_that_was_cut_short_came_to_no_end_of_ours(kind: str, status: str) -> None:
    run = History().enter("WriteSqlconfFailed", "Fail", 1).add(kind, 9, f"{kind}EventDetails").read()
    assert (run.status, run.terminal, run.outcome) == (status, None, status)
    assert run.visits[0].left == (BEGAN + timedelta(seconds=9)).timestamp()


def test_a_revoke_that_did_not_get_there_is_for_someone_now() -> None:
    run = History({"mode": "revoke"}).enter("RolledBack", "Fail", 1).fail(1, "RolledBack").read()
    assert run.end is not None
    assert run.end.urgency is Urgency.PAGE


def test_data_that_was_cut_off_is_not_known_and_harms_nothing() -> None:
    """Step Functions leaves it out of a log event beyond 256 KB."""
    history = History()
    history.add("TaskStateExited", 1, "stateExitedEventDetails", name="ReadSlots", outputDetails={"truncated": True})
    history.add("FailStateEntered", 2, "stateEnteredEventDetails", name="RolledBack", input='{"failures": {"Rea')
    run = history.fail(2, "RolledBack").read("log")
    assert (run.target, run.versions.found, run.failures, run.outcome) == ("?", "", (), "RolledBack")


@pytest.mark.parametrize("odd", ["text", ["list"], 7, None])
def test_a_payload_of_another_shape_is_not_known_and_harms_nothing(odd: Any) -> None:
    known = {"claim": odd, "situation": odd, "failures": odd}
    history = History().leave("ReadSlots", "Task", 1, **known).leave("ClaimRotation", "Task", 2, **known)
    run = history.enter("RolledBack", "Fail", 3, **known).fail(3, "RolledBack").read("log")
    assert (run.outcome, run.versions.found, run.versions.flip, run.failures) == ("RolledBack", "", ("",), ())


def test_events_without_the_beginning_are_no_run() -> None:
    events = [Event.of_history(raw) for raw in rolled_back().raw[1:]]
    assert read(ARN, events) is None
    assert read(ARN, []) is None
