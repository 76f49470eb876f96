"""The engine that can be held, seen from outside: started, asked, given orders; and the machines on it."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.statemachine.processes import engine
from tests.statemachine.scripted import Raises, Script, ScriptedLambda
from tests.until import until

WORKS, FAILS = "sync_users", "validate_app"
SCRIPT: Script = {FAILS: [Raises("PageBlank")]}
INPUT = {"mode": "rotate"}
ROLE = "arn:aws:iam::123456789012:role/machine"


def task(function: str, following: str) -> dict[str, Any]:
    payload = {"execution": {"name.$": "$$.Execution.Name"}, "mode.$": "$.mode", "last": True}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "TimeoutSeconds": 45,
        "Parameters": {"FunctionName": function, "Payload": payload},
        "ResultPath": "$.result",
        "Retry": [{"ErrorEquals": ["Throttled"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": following}],
        "Next": following,
    }


MACHINES = {
    "tasks": {
        "StartAt": "Works",
        "States": {
            "Works": task(WORKS, "Fails"),
            "Fails": task(FAILS, "Rest"),
            "Rest": {"Type": "Wait", "Seconds": 3600, "End": True},
        },
    },
    "ending": {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}},
}


class Held:
    """The engine that can be held, and the machines on it."""

    def __init__(self, endpoint: str, functions: ScriptedLambda) -> None:
        self._endpoint, self.functions = endpoint, functions
        once = Config(proxies={}, retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "local"}
        self._states: Any = boto3.client("stepfunctions", endpoint_url=endpoint, region_name="us-east-1", config=once, **keys)
        for name, machine in MACHINES.items():
            self._states.create_state_machine(name=name, definition=json.dumps(machine), roleArn=ROLE)

    def order(self, what: str, **order: int) -> Any:
        request = urllib.request.Request(f"{self._endpoint}/_{what}", json.dumps(order).encode())  # noqa: S310 - ours
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)["told"]

    def start(self, name: str, script: Script = SCRIPT, machine: str = "tasks") -> str:
        self.functions.expect(name, script)
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine}"
        return str(self._states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(INPUT))["executionArn"])

    def stop(self, arn: str) -> None:
        self._states.stop_execution(executionArn=arn)

    def status(self, arn: str) -> str:
        return str(self._states.describe_execution(executionArn=arn)["status"])

    def history(self, arn: str) -> list[str]:
        return [event["type"] for event in self._states.get_execution_history(executionArn=arn, maxResults=1000)["events"]]

    def wait_for(self, arn: str, kind: str) -> None:
        until(lambda: kind in self.history(arn), seen=lambda: self.history(arn))


@contextmanager
def held_engine(folder: Path) -> Iterator[Held]:
    with ScriptedLambda() as functions, engine("tests.contract.held_engine", functions.port, folder) as endpoint:
        yield Held(endpoint(), functions)
