"""Following an execution, also where AWS does not always answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from rotation.told.history import Visit
from rotation_cli import following
from rotation_cli.aws import NotPermitted, Refused
from rotation_cli.following import PATIENCE_SECONDS, follow
from rotation_cli.history import Run
from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble

ARN = "arn:x:followed"
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
THROTTLED, LOST = Refused("ThrottlingException", "slower"), Trouble("AWS was not reached")


class Clock:
    """Time passes where somebody waits for it."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(following, "time", clock)
    return clock


def run(status: str) -> Run:
    visit = Visit("ReadSlots", "Task", BEGAN.timestamp(), BEGAN.timestamp() + 3)
    return Run(ARN, BEGAN, {}, status, None if status == "RUNNING" else BEGAN + timedelta(seconds=9), visits=[visit])


def stack(answer: Callable[[], Run | None]) -> Stack:
    class SmallStack:
        def recent_run(self, arn: str) -> Run | None:
            assert arn == ARN
            return answer()

    return cast("Stack", SmallStack())


def polls(*answers: Run | Trouble | None) -> Stack:
    """One after the other."""
    left = iter(answers)

    def answer() -> Run | None:
        one = next(left)
        if isinstance(one, Trouble):
            raise one
        return one

    return stack(answer)


@pytest.mark.parametrize("trouble", [THROTTLED, LOST])
def test_one_poll_that_is_lost_does_not_end_it(trouble: Trouble, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    found = follow(polls(trouble, None, run("RUNNING"), trouble, trouble, run("SUCCEEDED")), ARN)
    assert found.status == "SUCCEEDED"
    assert capsys.readouterr().out.count("ReadSlots") == 1


@pytest.mark.parametrize("late", [0, 1000])
def test_where_no_answer_comes_for_long_it_says_why(late: float, clock: Clock) -> None:
    def answer() -> Run:
        if clock.now < late:
            return run("RUNNING")
        raise LOST

    with pytest.raises(Trouble, match="AWS was not reached"):
        follow(stack(answer), ARN)
    assert late + PATIENCE_SECONDS <= clock.now < late + PATIENCE_SECONDS + 20


def test_a_permission_is_not_waited_for(clock: Clock) -> None:
    with pytest.raises(NotPermitted):
        follow(polls(NotPermitted("AccessDeniedException", "not permitted")), ARN)
    assert clock.now == 0


def test_one_that_is_not_shown_for_long_is_given_up(clock: Clock) -> None:
    with pytest.raises(Trouble, match="does not show it yet"):
        follow(stack(lambda: None), ARN)
    assert PATIENCE_SECONDS < clock.now < PATIENCE_SECONDS + 20
