"""Follow an execution while it runs: what Step Functions' history says, as visits of states with their durations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.stack import LocalStack

POLL_SECONDS = 0.1
ENTERED, EXITED = "StateEntered", "StateExited"


@dataclass
class Visit:
    """One state entered, and left."""

    state: str
    kind: str
    """Task, Wait, Map, …"""
    entered: float
    left: float | None = None

    @property
    def seconds(self) -> float:
        """How long it lasted; until now, while it lasts."""
        return (self.left or time.time()) - self.entered


@dataclass
class Run:
    """An execution as far as it has come."""

    arn: str
    status: str = "RUNNING"
    error: str = ""
    cause: str = ""
    visits: list[Visit] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    @property
    def outcome(self) -> str:
        """The name of the terminal state, which is the runbook's index."""
        return self.visits[-1].state if self.visits else self.status

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def waiting(self) -> float:
        """Time in Wait states: quiet periods and rollouts."""
        return sum(visit.seconds for visit in self.visits if visit.kind == "Wait")

    @property
    def working(self) -> float:
        """All other time: functions, and the engine between them."""
        return self.seconds - self.waiting

    def visits_of(self, state: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.state == state]


def follow(stack: LocalStack, arn: str) -> Iterator[tuple[Run, Visit | None]]:
    """The run, again and again until it has ended, with each visit as it ends, and None when a poll saw nothing new."""
    states = stack.aws.client("stepfunctions")
    run, told = Run(arn), 0
    while True:
        described = states.describe_execution(executionArn=arn)
        _read(run, _events(states, arn), described)
        finished = sorted((visit for visit in run.visits if visit.left is not None), key=lambda visit: visit.left or 0.0)
        for visit in finished[told:]:
            yield run, visit
        told = len(finished)
        if run.status != "RUNNING":
            return
        yield run, None
        time.sleep(POLL_SECONDS)


def wait_for(stack: LocalStack, arn: str, meanwhile: Callable[[], object] = lambda: None) -> Run:
    """The run once it has ended. Its history is read once: an engine that is asked for it all the time does little else."""
    states = stack.aws.client("stepfunctions")
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        meanwhile()
        time.sleep(POLL_SECONDS)
    run = Run(arn)
    _read(run, _events(states, arn), described)
    return run


def _events(states: Any, arn: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def _read(run: Run, events: list[dict[str, Any]], described: dict[str, Any]) -> None:
    run.status, run.error, run.cause = described["status"], described.get("error", ""), described.get("cause", "")
    run.began = _seconds(described["startDate"])
    run.ended = _seconds(described["stopDate"]) if run.status != "RUNNING" else time.time()
    run.visits = []
    open_visits: dict[str, Visit] = {}
    for event in events:
        kind, at = event["type"], _seconds(event["timestamp"])
        if kind.endswith(ENTERED):
            visit = Visit(event["stateEnteredEventDetails"]["name"], kind.removesuffix(ENTERED), at)
            run.visits.append(visit)
            open_visits[visit.state] = visit
            if visit.kind == "Fail":
                visit.left = at
        elif kind.endswith(EXITED):
            open_visits.pop(event["stateExitedEventDetails"]["name"]).left = at
    if run.status != "RUNNING":
        for visit in open_visits.values():
            visit.left = visit.left or run.ended


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
