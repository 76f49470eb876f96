"""Following an execution of the local stack: visits are told as they end, and what the run was is known in the end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local import follow as module
from local.follow import Run, Visit, follow, wait_for
from local.stack import LocalStack

ARN = "arn:x:followed"
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
STATES = [
    ("TaskStateEntered", "WriteSqlconf", 1),
    ("TaskStateExited", "WriteSqlconf", 2),
    ("FailStateEntered", "WriteSqlconfFailed", 2),
    ("WaitStateEntered", "WaitForRollout", 3),
    ("WaitStateExited", "WaitForRollout", 7),
    ("TaskStateEntered", "ReleaseRotation", 8),
]


class SmallStates:
    """Step Functions, which shows more at each look."""

    def __init__(self, *looks: tuple[int, str]) -> None:
        self._looks = iter(looks)
        self._seen = 0

    def describe_execution(self, **which: str) -> dict[str, Any]:
        assert which == {"executionArn": ARN}
        self._seen, status = next(self._looks)
        ended = {} if status == "RUNNING" else {"stopDate": BEGAN + timedelta(seconds=10), "error": "why", "cause": "because"}
        return {"status": status, "startDate": BEGAN, **ended}

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, reverseOrder: bool, PaginationConfig: dict[str, int], **_: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert reverseOrder
        events, size = self._events()[::-1], min(2, PaginationConfig["PageSize"])
        for first in range(0, len(events), size):
            yield {"events": events[first : first + size]}

    def _events(self) -> list[dict[str, Any]]:
        return [
            {
                "id": number,
                "type": kind,
                "timestamp": BEGAN + timedelta(seconds=after),
                f"state{'Entered' if 'Entered' in kind else 'Exited'}EventDetails": {"name": name},
            }
            for number, (kind, name, after) in enumerate(STATES[: self._seen], 1)
        ]


def stack(*looks: tuple[int, str]) -> LocalStack:
    states = SmallStates(*looks)
    return cast("LocalStack", SimpleNamespace(aws=SimpleNamespace(client=lambda _: states)))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)


def test_each_visit_is_told_once_as_it_ends_and_a_fail_as_it_begins() -> None:
    looks = stack((1, "RUNNING"), (3, "RUNNING"), (3, "RUNNING"), (6, "ABORTED"))
    told = [visit and visit.state for _, visit in follow(looks, ARN)]
    assert told == [None, "WriteSqlconf", "WriteSqlconfFailed", None, None, "WaitForRollout", "ReleaseRotation"]


def test_what_was_going_on_when_it_was_stopped_ended_then_and_is_its_outcome() -> None:
    run = wait_for(stack((2, "RUNNING"), (6, "ABORTED")), ARN)
    assert (run.status, run.outcome, run.error, run.cause) == ("ABORTED", "ReleaseRotation", "why", "because")
    assert run.visits[-1].left == run.ended == (BEGAN + timedelta(seconds=10)).timestamp()


def test_working_is_all_but_waiting() -> None:
    run = wait_for(stack((6, "FAILED")), ARN)
    assert (run.seconds, run.waiting, run.working) == (10, 4, 6)
    assert run.visits_of("WaitForRollout") == [run.visits[2]]


def test_one_that_entered_nothing_ended_as_its_status_says() -> None:
    assert wait_for(stack((0, "TIMED_OUT")), ARN).outcome == "TIMED_OUT"


def test_what_goes_on_lasts_until_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: 107.0))
    assert Run(ARN, visits=[Visit("WaitForDrain", "Wait", 100)]).waiting == 7
