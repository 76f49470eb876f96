"""The local AWS's log of a machine is what AWS's is: every event of the history, once, in Step Functions' own shape."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import LocalAws
from local.execution_log import LARGEST, log_event
from tests.until import until

ROLE = "arn:aws:iam::123456789012:role/states"
LONG = "x" * LARGEST
MACHINE = {
    "StartAt": "Look",
    "States": {
        "Look": {"Type": "Pass", "Parameters": {"known": 1}, "Next": "Rest"},
        "Rest": {"Type": "Wait", "SecondsPath": "$.known", "Next": "RolledBack"},
        "RolledBack": {"Type": "Fail", "Error": "RolledBack", "Cause": "made up"},
    },
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(Path(sys.executable), tmp_path_factory.mktemp("logs")) as aws:
        yield aws


def machine(aws: LocalAws, name: str, *, include_data: bool = True) -> str:
    aws.client("logs").create_log_group(logGroupName=f"/aws/vendedlogs/states/{name}")
    made = aws.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(MACHINE), roleArn=ROLE)
    aws.deliver_log(made["stateMachineArn"], f"/aws/vendedlogs/states/{name}", include_data=include_data)
    return str(made["stateMachineArn"])


def start(aws: LocalAws, arn: str, name: str) -> str:
    answer = aws.client("stepfunctions").start_execution(stateMachineArn=arn, name=name, input='{"mode": "rotate"}')
    return str(answer["executionArn"])


def ended(aws: LocalAws, execution: str) -> list[dict[str, Any]]:
    """Its history, once it is over."""
    states = aws.client("stepfunctions")
    until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    events: list[dict[str, Any]] = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    return events


def logged(aws: LocalAws, name: str) -> list[dict[str, Any]]:
    pages = aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/vendedlogs/states/{name}")
    return [json.loads(event["message"]) for page in pages for event in page["events"]]


def test_each_event_of_the_history_is_in_it_once_however_often_it_is_read(aws: LocalAws) -> None:
    arn = machine(aws, "once")
    executions = [start(aws, arn, "first"), start(aws, arn, "second")]
    logged(aws, "once")  # while it runs
    histories = {execution: ended(aws, execution) for execution in executions}
    logged(aws, "once")
    found = logged(aws, "once")
    for execution, history in histories.items():
        own = [line for line in found if line["execution_arn"] == execution]
        assert [(line["id"], line["type"]) for line in own] == [(str(event["id"]), event["type"]) for event in history]
        stamps = [str(round(event["timestamp"].timestamp() * 1000)) for event in history]
        assert [line["event_timestamp"] for line in own] == stamps


def test_a_line_has_awss_fields_as_texts(aws: LocalAws) -> None:
    execution = start(aws, machine(aws, "fields"), "run")
    ended(aws, execution)
    first, *_, last = logged(aws, "fields")
    assert first == {
        "id": "1",
        "type": "ExecutionStarted",
        "details": {"input": '{"mode": "rotate"}', "inputDetails": {"truncated": False}, "roleArn": ROLE},
        "previous_event_id": "0",
        "event_timestamp": first["event_timestamp"],
        "execution_arn": execution,
        "redrive_count": "0",
    }
    assert (last["type"], last["details"]) == ("ExecutionFailed", {"error": "RolledBack", "cause": "made up"})


def test_without_execution_data_nothing_that_went_in_or_out_is_in_it(aws: LocalAws) -> None:
    ended(aws, start(aws, machine(aws, "bare", include_data=False), "run"))
    found = logged(aws, "bare")
    assert [line["details"].get("name") for line in found if line["type"] == "WaitStateEntered"] == ["Rest"]
    assert not [key for line in found for key in line["details"] if key.startswith(("input", "output"))]


def test_an_execution_is_not_disturbed_by_its_log(aws: LocalAws) -> None:
    """moto's own delivery would end it at its first event."""
    history = ended(aws, start(aws, machine(aws, "undisturbed"), "run"))
    assert [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event] == list(
        MACHINE["States"]
    )


def test_an_event_that_is_too_large_is_cut_and_says_so() -> None:
    event = {
        "id": 2,
        "previousEventId": 1,
        "type": "TaskStateExited",
        "timestamp": "2026-03-01T03:00:00.250Z",
        "stateExitedEventDetails": {"name": "ReadSlots", "output": LONG, "outputDetails": {"truncated": False}},
    }
    line = log_event(event, "arn", include_data=True)
    assert line["timestamp"] == 1772334000250
    assert json.loads(line["message"])["details"] == {"name": "ReadSlots", "outputDetails": {"truncated": True}}
