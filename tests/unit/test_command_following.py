"""Following an execution, also where AWS does not always answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from rotation.kinds.target import Target
from rotation.told.failures import Failure
from rotation.told.history import Visit
from rotation_cli import following
from rotation_cli.aws import NotPermitted, Refused
from rotation_cli.deadlines import Deadlines
from rotation_cli.following import PATIENCE_SECONDS, follow, going_on, told_by
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

        def target(self, name: str) -> str:
            raise Trouble(f"there is no target {name!r}")

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


# ---- what is told of a run that has trouble

BUSY = Failure("SyncUsers", "SourceBusy", "openemr: another session holds our lock")


def troubled(*visits: Visit, **situation: int) -> Run:
    return Run(ARN, BEGAN, {"target": "openemr"}, visits=list(visits), payload={"situation": situation})


def seen(state: str, entered: float, left: float | None = None, kind: str = "Task") -> Visit:
    at = BEGAN.timestamp()
    return Visit(state, kind, at + entered, None if left is None else at + left)


def told(run: Run) -> list[str]:
    target = SimpleNamespace(rollout_deadline_seconds=600, longest_drain_seconds=3600)
    return told_by(run, Deadlines(cast("Target", target)))


def test_each_try_that_failed_is_a_line_and_a_step_that_gave_up_says_so() -> None:
    visit = seen("SyncUsers", 1, 9)
    visit.failed_tries, visit.failed_at = [BUSY, BUSY], [BEGAN.timestamp() + 2, BEGAN.timestamp() + 8]
    assert told(troubled(visit)) == [
        "    2.0 s  SyncUsers            try 1 failed: SourceBusy: openemr: another session holds our lock",
        "    8.0 s  SyncUsers            try 2 failed: SourceBusy: openemr: another session holds our lock",
        "    9.0 s  SyncUsers               8.0 s  FAILED",
    ]


def test_a_step_whose_last_try_succeeded_did_not_fail() -> None:
    visit = seen("SyncUsers", 1, 9)
    visit.failed_tries, visit.failed_at, visit.answered = [BUSY], [BEGAN.timestamp() + 2], True
    assert "FAILED" not in "".join(told(troubled(visit)))


def test_a_rollback_is_announced_where_it_begins() -> None:
    assert told(troubled(seen("RollBack", 5, 5, "Pass"))) == [
        "    5.0 s  rolling back: the application goes back to the credential that it used"
    ]


def test_long_waits_say_until_when_they_may_take() -> None:
    run = troubled(
        seen("RestartApp", 1, 2), seen("WaitForRollout", 2, 3, "Wait"), seen("CheckRollout", 3, 4),
        seen("WaitForRollout", 4, 5, "Wait"), seen("OverlapWindow", 6, 126, "Wait"), seen("CheckDrained", 126, 127),
        seen("WaitForDrain", 127, 130, "Wait"), seen("CheckDrained", 130, 131), seen("WaitForDrain", 131, kind="Wait"),
        overlap_seconds=120,
    )  # fmt: skip
    lines = [line.strip() for line in told(run) if "until" in line]
    assert lines == [
        "2.0 s  waiting for the rollout, until 2026-03-01 00:10 UTC at the latest",
        "6.0 s  both credentials stay valid for 2 min, until 2026-03-01 00:02 UTC",
        "2 min  waiting until nobody uses the old credential, until 2026-03-01 01:02 UTC at the latest",
    ]
    assert going_on(run, Deadlines(None)) == "WaitForDrain"


def test_a_second_publish_waits_for_the_instances_anew() -> None:
    written = [
        seen("ChooseConsumer", 1, 1, "Choice"), seen("WriteWpConfig", 1, 2), seen("WaitForInstances", 2, 4, "Wait"),
        seen("WriteWpConfig", 4, 5),
    ]  # fmt: skip
    again = [
        seen("ChooseConsumer", 301, 301, "Choice"), seen("WriteWpConfig", 301, 302), seen("WaitForInstances", 302, 304, "Wait"),
    ]  # fmt: skip
    assert [line.strip() for line in told(troubled(*written, *again)) if "until" in line] == [
        "2.0 s  waiting for the instances, until 2026-03-01 00:10 UTC at the latest",
        "5 min  waiting for the instances, until 2026-03-01 00:15 UTC at the latest",
    ]


def test_what_a_function_has_put_is_waited_for_from_the_put_on() -> None:
    put = [
        seen("ChooseConsumer", 1, 1, "Choice"), seen("PutSecret", 1, 2), seen("WaitForEverybody", 2, 4, "Wait"),
        seen("PutSecret", 4, 5), seen("WaitForEverybody", 5, 7, "Wait"), seen("PutSecret", 7, 8),
    ]  # fmt: skip
    assert [line.strip() for line in told(troubled(*put)) if "until" in line] == [
        "2.0 s  waiting until everybody has the new credential, until 2026-03-01 00:10 UTC at the latest",
    ]


def test_each_phase_of_a_service_is_waited_for_by_itself() -> None:
    moved = [
        seen("ChooseConsumer", 1, 1, "Choice"), seen("PrepareService", 1, 2), seen("WaitForPreparation", 2, 4, "Wait"),
        seen("PrepareService", 4, 5), seen("ValidateService", 5, 6), seen("CutOverService", 60, 61),
        seen("WaitForCutover", 61, 63, "Wait"), seen("CutOverService", 63, 64), seen("ChooseConsumer", 301, 301, "Choice"),
        seen("CleanUpService", 301, 302), seen("WaitForCleanUp", 302, 304, "Wait"),
    ]  # fmt: skip
    assert [line.strip() for line in told(troubled(*moved)) if "until" in line] == [
        "2.0 s  waiting until the service is prepared, until 2026-03-01 00:10 UTC at the latest",
        "61.0 s  waiting until the service is cut over, until 2026-03-01 00:11 UTC at the latest",
        "5 min  waiting until the service is cleaned up, until 2026-03-01 00:15 UTC at the latest",
    ]


def test_what_goes_on_says_which_try_it_is() -> None:
    visit = seen("SyncUsers", 1)
    visit.failed_tries, visit.failed_at = [BUSY], [BEGAN.timestamp() + 2]
    assert going_on(troubled(visit), Deadlines(None)) == "SyncUsers, try 2"


def test_a_probe_says_which_function_was_asked() -> None:
    visit = replace(seen("ProbeFunction", 1, 3), item="flip_slot")
    assert told(troubled(visit)) == ["    3.0 s  ProbeFunction flip_slot    2.0 s"]
