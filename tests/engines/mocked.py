"""AWS's Step Functions Local: its mock configuration file, made of every scripted run, and each of these runs on it."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby, takewhile
from typing import Any

from tests.engines.recorded import Recorded, says_the_same_each_time
from tests.statemachine.machine import State, definition_text, hurried, shipped
from tests.statemachine.runs import ROLE

MACHINES = {"rotation": shipped, "rotation-hurried": hurried}
PATIENCE = 300.0
POLL_SECONDS = 0.1


@cache
def definitions() -> dict[str, str]:
    """Of the two machines, by their names."""
    return {name: definition_text(make()) for name, make in MACHINES.items()}


def configuration(runs: Sequence[Recorded]) -> State:
    """A test case for each run: every Task that it comes to, with what it gets."""
    machines: dict[str, Any] = {name: {"TestCases": {}} for name in MACHINES}
    responses: dict[str, Any] = {}
    for run in runs:
        states = {}
        for state, visits in run.answers().items():
            told = numbered([answer for visit in visits for answer in visit])
            name = f"{state}-{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]}"
            responses[name], states[state] = told, name
        machines[run.machine]["TestCases"][run.name] = states
    return {"StateMachines": machines, "MockedResponses": responses}


def numbered(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By the number of the call, from 0; equal ones beside each other as a range."""
    told, first = {}, 0
    for _, group in groupby(answers, key=lambda one: json.dumps(one, sort_keys=True)):
        alike = list(group)
        last = first + len(alike) - 1
        told[str(first) if first == last else f"{first}-{last}"] = dict(alike[0])
        first = last + 1
    return told


def counted_alike(run: Recorded) -> bool:
    """Whether the run is the same, however an engine counts a state that is entered again."""
    return all(map(says_the_same_each_time, run.answers().values()))


class Engine:
    """One that was given the configuration; `client` is boto3's for stepfunctions."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._machines: dict[str, str] = {}

    def begin(self, run: Recorded) -> str:
        """The execution's ARN."""
        name = f"{uuid.uuid5(uuid.NAMESPACE_OID, run.name)}-{uuid.uuid4().hex[:8]}"
        arn: str = self._client.start_execution(
            stateMachineArn=f"{self._machine(run.machine)}#{run.name}", name=name, input=json.dumps(run.case.given)
        )["executionArn"]
        return arn

    def _machine(self, name: str) -> str:
        """Its ARN; made when it is first asked for."""
        if name not in self._machines:
            made = self._client.create_state_machine(name=name, definition=definitions()[name], roleArn=ROLE)
            self._machines[name] = made["stateMachineArn"]
        return self._machines[name]

    def difference(self, run: Recorded, arn: str) -> str:
        """Where it went another way than the interpreter; empty if nowhere."""
        status, path = self._ended(arn)
        if (status, path) == (run.status, run.path):
            return ""
        apart = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(path, run.path, strict=False)))
        ours, theirs = (" → ".join(one[max(apart - 1, 0) : apart + 1]) for one in (run.path, path))
        return f"{run.case.name}: {status} at {theirs}, and not {run.status} at {ours}"

    def _ended(self, arn: str) -> tuple[str, list[str]]:
        until = time.monotonic() + PATIENCE
        while (status := self._client.describe_execution(executionArn=arn)["status"]) == "RUNNING":
            if time.monotonic() > until:
                return status, []
            time.sleep(POLL_SECONDS)
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        return status, [one["stateEnteredEventDetails"]["name"] for one in events if "stateEnteredEventDetails" in one]
