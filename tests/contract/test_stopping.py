"""StopExecution on the local AWS is what it is on AWS, at whatever moment it comes: the execution has ended, and stays as it is.

An execution goes over a Task that succeeds and a Task that fails and is caught to a Wait. The engine is held at a hundred
moments of that, one after the other, and each time the execution is stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from local import engine as mended
from tests.contract.held import INPUT, WORKS, Held, held_engine
from tests.statemachine.scripted import Hangs

MOMENTS = 100


@dataclass(frozen=True)
class Stop:
    """What was answered, call after call; an error is its text."""

    where: str | None
    arn: str
    status: str
    history: list[str] | str

    @property
    def is_right(self) -> bool:
        return self.status == "ABORTED" and (self.history[0], self.history[-1]) == ("ExecutionStarted", "ExecutionAborted")


def stop_at(held: Held, moment: int) -> Stop:
    held.order("hold", at=moment)
    arn = held.start(f"at-{moment}")
    return stopped(held, arn, held.order("held"))


def stopped(held: Held, arn: str, where: str | None = None) -> Stop:
    status = ""
    try:
        held.stop(arn)
        status = held.status(arn)
        return Stop(where, arn, status, held.history(arn))
    except ClientError as error:
        return Stop(where, arn, status, str(error))


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    with held_engine(tmp_path_factory.mktemp("held")) as held:
        yield held


@pytest.fixture(scope="module")
def stops(held: Held) -> list[Stop]:
    held.order("hold", at=0)
    counted = held.start("counted")
    held.wait_for(counted, "WaitStateEntered")
    every = held.order("count") / (MOMENTS + 1)
    held.stop(counted)
    return [stop_at(held, round(every * turn)) for turn in range(1, MOMENTS + 1)]


def test_whatever_the_engine_is_at_a_stop_ends_it_aborted_and_its_history_can_be_read(stops: list[Stop]) -> None:
    assert [stop for stop in stops if not stop.is_right] == []


def test_nothing_is_told_of_an_execution_after_its_stop(held: Held, stops: list[Stop]) -> None:
    later = [Stop(stop.where, stop.arn, held.status(stop.arn), held.history(stop.arn)) for stop in stops]
    assert later == stops


def test_no_function_is_called_with_a_part_of_its_parameters(held: Held, stops: list[Stop]) -> None:
    names = [stop.arn.rsplit(":", 1)[-1] for stop in stops]
    called = [(name, one.event) for name in names for one in held.functions.invocations(name)]
    assert called
    assert [event for name, event in called if event != {"execution": {"name": name}, **INPUT, "last": True}] == []


def test_the_moments_are_spread_over_all_that_the_engine_does(stops: list[Stop]) -> None:
    told = {tuple(stop.history) for stop in stops}
    assert {history[-2] for history in told} >= {"TaskStateEntered", "TaskStarted", "TaskSucceeded", "TaskFailed"}
    assert sum(stop.where is not None for stop in stops) == MOMENTS


def test_one_that_was_only_just_started_is_stopped_too(held: Held) -> None:
    """The engine still reads its definition."""
    held.order("hold", at=0)
    assert [stop for turn in range(5) if not (stop := stopped(held, held.start(f"at-once-{turn}"))).is_right] == []


def test_one_whose_function_is_at_work_has_ended_when_the_stop_is_answered(held: Held) -> None:
    arn = held.start("at-work", {WORKS: [Hangs()]})
    held.wait_for(arn, "TaskStarted")
    held.stop(arn)
    assert held.status(arn) == "ABORTED"


def test_one_that_has_ended_stays_as_it_was(held: Held) -> None:
    arn = held.start("ended", machine="ending")
    held.wait_for(arn, "ExecutionSucceeded")
    held.stop(arn)
    assert held.history(arn)[-1] == "ExecutionSucceeded"


def test_another_moto_than_the_one_that_was_read_is_not_mended_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mended, "version", lambda _: "5.3.0")
    with pytest.raises(RuntimeError, match=r"of moto 5\.2\.5, and this is moto 5\.3\.0"):
        mended.mend()
