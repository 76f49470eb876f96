"""Follow an execution while it runs: how far it has come by now, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rotation.told.failures import as_object
from rotation.told.history import RUNNING, Event, Visit, read

from local.running import Running

POLL_SECONDS = 0.1
WAIT_SECONDS = 0.2
"""Between two looks whether it has ended: each costs the local AWS as much as a call of a function."""
NEW, ALL = 10, 1000
"""Events in a page: of what may have come since the last look, and of a whole history."""


@dataclass
class Run:
    """An execution as far as it has come."""

    arn: str
    status: str = RUNNING
    error: str = ""
    cause: str = ""
    summary: str = ""
    """What the machine says of a good end; of a bad one that is its cause."""
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
        return sum(lasted(visit) for visit in self.visits if visit.kind == "Wait")

    @property
    def working(self) -> float:
        """All other time: functions, and the engine between them."""
        return self.seconds - self.waiting

    def visits_of(self, state: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.state == state]


def lasted(visit: Visit) -> float:
    """Until now, while it lasts."""
    return visit.seconds(time.time())


def follow(stack: Running, arn: str) -> Iterator[tuple[Run, Visit | None]]:
    """The run, again and again until it has ended, with each visit as it ends, and None when a poll saw nothing new."""
    states = stack.aws.client("stepfunctions")
    run, told, events = Run(arn), 0, list[Event]()
    while True:
        described = states.describe_execution(executionArn=arn)
        events += _newer(states, arn, events[-1].id if events else 0)
        _read(run, events, described)
        finished = sorted((visit for visit in run.visits if visit.left is not None), key=lambda visit: visit.left or 0.0)
        for visit in finished[told:]:
            yield run, visit
        told = len(finished)
        if run.status != RUNNING:
            return
        yield run, None
        time.sleep(POLL_SECONDS)


def wait_for(stack: Running, arn: str, meanwhile: Callable[[], object] = lambda: None) -> Run:
    """The run once it has ended. Its history is read once."""
    states = stack.aws.client("stepfunctions")
    while (described := states.describe_execution(executionArn=arn))["status"] == RUNNING:
        meanwhile()
        time.sleep(WAIT_SECONDS)
    run = Run(arn)
    _read(run, _newer(states, arn), described)
    return run


def _newer(states: Any, arn: str, last: int = 0) -> list[Event]:
    """What came after the event of that id, asked for from the end: whoever asks for the whole, ten times a second, makes the local
    AWS do little else."""
    found: list[Event] = []
    pages = states.get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": NEW if last else ALL}):
        found += [Event.of_history(event) for event in page["events"] if event["id"] > last]
        if page["events"] and page["events"][-1]["id"] <= last:
            break
    return found[::-1]


def _read(run: Run, events: list[Event], described: dict[str, Any]) -> None:
    run.status, run.error, run.cause = described["status"], described.get("error", ""), described.get("cause", "")
    run.summary = str(as_object(described.get("output")).get("summary") or "")
    run.began = _seconds(described["startDate"])
    run.ended = _seconds(described["stopDate"]) if run.status != RUNNING else time.time()
    history = read(events)
    run.visits = history.visits
    for visit in run.visits:
        if visit.kind == "Fail":
            visit.left = visit.entered  # told at once, not at the end
    if run.status != RUNNING:
        history.close(run.ended)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
