"""A history comes in pages, from either end, as AWS gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import LocalAws

STEPS = 60
MACHINE = {
    "StartAt": "Step0",
    "States": {
        f"Step{number}": {"Type": "Pass", **({"Next": f"Step{number + 1}"} if number < STEPS - 1 else {"End": True})}
        for number in range(STEPS)
    },
}
EVENTS = 2 * STEPS + 2
"""Each state is entered and left; the execution begins and ends."""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@pytest.fixture(scope="module")
def ended(aws: LocalAws) -> str:
    states = aws.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/machine"
    made = states.create_state_machine(name="steps", definition=json.dumps(MACHINE), roleArn=role)
    arn: str = states.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        pass
    return arn


def ids(answer: dict[str, Any]) -> list[int]:
    return [event["id"] for event in answer["events"]]


def test_a_hundred_events_come_where_no_number_is_asked_for(aws: LocalAws, ended: str) -> None:
    answer = aws.client("stepfunctions").get_execution_history(executionArn=ended)
    assert ids(answer) == list(range(1, 101))
    assert "nextToken" in answer


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_the_pages_together_are_the_whole_in_the_order_that_was_asked_for(
    aws: LocalAws, ended: str, backward: bool, size: int
) -> None:
    pages = aws.client("stepfunctions").get_paginator("get_execution_history")
    found = [ids(page) for page in pages.paginate(executionArn=ended, reverseOrder=backward, PaginationConfig={"PageSize": size})]
    whole = list(range(1, EVENTS + 1))
    assert [one for page in found for one in page] == (whole[::-1] if backward else whole)
    assert max(map(len, found)) == min(size, EVENTS)


def test_a_token_of_another_is_refused(aws: LocalAws, ended: str) -> None:
    states = aws.client("stepfunctions")
    with pytest.raises(states.exceptions.InvalidToken):
        states.get_execution_history(executionArn=ended, nextToken="made up")
