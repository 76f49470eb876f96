"""What other engines are given of the scripted runs: every run is in it, every state that it names exists, and an engine that
reads such a file goes the way that the interpreter goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from localstack.services.stepfunctions.local_mocking.mock_config_file import RawMockConfig
from moto import mock_aws
from moto.stepfunctions.parser.backend import execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.mocking.mock_config import _mock_test_case_from_raw

from tests.engines import asked, mocked
from tests.engines.__main__ import write
from tests.engines.recorded import Recorded, recorded
from tests.pages import PAGES
from tests.statemachine.machine import shipped, states, tasks
from tests.whole import WHOLE, only_with_more

EVERY_DAY = ("ReadSlots-forward-transient", "RotateAdmin-forward-permanent")
"""With one definition: to read one takes an engine seconds."""


@pytest.fixture(scope="module")
def runs() -> list[Recorded]:
    return recorded()


@pytest.fixture(scope="module")
def questions(runs: list[Recorded]) -> list[asked.Question]:
    return asked.questions(runs)


@pytest.fixture(scope="module")
def configuration(runs: list[Recorded]) -> dict[str, Any]:
    return mocked.configuration(runs)


def test_every_scripted_run_is_a_test_case_under_a_name_of_its_own(runs: list[Recorded], configuration: dict[str, Any]) -> None:
    made = {(machine, name) for machine, one in configuration["StateMachines"].items() for name in one["TestCases"]}
    assert made == {(run.machine, run.name) for run in runs}
    assert len(made) == len(runs) > 300


def test_every_state_that_a_test_case_names_is_a_task_of_the_machine(configuration: dict[str, Any]) -> None:
    named = {state for one in configuration["StateMachines"].values() for case in one["TestCases"].values() for state in case}
    assert named == set(tasks(shipped())), "and every Task is in some run"


def test_every_answer_has_the_number_of_its_call(runs: list[Recorded], configuration: dict[str, Any]) -> None:
    """From 0, without a gap: as often as the state was called."""
    for run in runs:
        case = configuration["StateMachines"][run.machine]["TestCases"][run.name]
        for state, visits in run.answers().items():
            ranges = [key.split("-") for key in configuration["MockedResponses"][case[state]]]
            numbers = [number for ends in ranges for number in range(int(ends[0]), int(ends[-1]) + 1)]
            assert numbers == list(range(sum(map(len, visits)))), (run.name, state)


def test_equal_answers_beside_each_other_are_one_range() -> None:
    a, b = {"Return": {"Payload": 1}}, {"Throw": {"Error": "E", "Cause": "c"}}
    assert mocked.numbered([b, b, b, a]) == {"0-2": b, "3": a}
    assert mocked.numbered([a]) == {"0": a}


def test_the_file_is_one_that_an_engine_can_read(configuration: dict[str, Any]) -> None:
    """LocalStack's reader of this format: each answer is a Return or a Throw with both its fields."""
    read = RawMockConfig.model_validate_json(json.dumps(configuration))
    assert set(read.StateMachines) == set(mocked.definitions())


class Steered:
    """moto's engine can be steered by such a file; what it lacks is the way in: a test case's name behind the machine's ARN."""

    def __init__(self, client: Any, read: RawMockConfig) -> None:
        self._client, self._read = client, read
        self._cases: dict[str, tuple[str, str]] = {}

    def start_execution(self, *, stateMachineArn: str, name: str, **given: Any) -> Any:  # noqa: N803 - boto3's name
        arn, _, case = stateMachineArn.partition("#")
        self._cases[name] = (arn.rsplit(":", 1)[-1], case)
        return self._client.start_execution(stateMachineArn=arn, name=name, **given)

    def worker(self, evaluation_details: Any, **more: Any) -> ExecutionWorker:
        case = self._cases[evaluation_details.execution_details.name]
        return ExecutionWorker(evaluation_details, **more, mock_test_case=_mock_test_case_from_raw(*case, self._read))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def engine(configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[mocked.Engine]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = Steered(boto3.client("stepfunctions", region_name="us-east-1"), RawMockConfig.model_validate(configuration))
        monkeypatch.setattr(execution, "ExecutionWorker", client.worker)
        yield mocked.Engine(client)


@only_with_more
def test_an_engine_that_is_given_the_file_goes_the_same_way(engine: mocked.Engine, runs: list[Recorded]) -> None:
    """moto counts the tries of a visit, so only what does not depend on how calls are counted."""
    chosen = [run for run in runs if mocked.counted_alike(run) and (WHOLE or run.case.name in EVERY_DAY)]
    assert len(chosen) >= len(EVERY_DAY)
    begun = [(run, engine.begin(run)) for run in chosen]
    assert [said for run, arn in begun if (said := engine.difference(run, arn))] == []
    (run, _), (_, another) = begun[:2]
    assert engine.difference(run, another).startswith(f"{run.case.name}: "), "another way is told"


# ---- TestState -----------------------------------------------------------------------------------------------------------------


@only_with_more
def test_every_state_that_can_be_asked_of_is(questions: list[asked.Question]) -> None:
    left_out = {name for name, one in states(shipped()).items() if one["Type"] in ("Map", "Wait") or asked.needs_a_context(one)}
    assert {one.state for one in questions} | left_out == set(states(shipped())) - {"FunctionNotDeployed"}
    assert {one.state for one in questions} & left_out == set()
    assert all(("mock" in one.asked) == (states(shipped())[one.state]["Type"] == "Task") for one in questions)


class Aws:
    """Answers as the interpreter goes, but for one state."""

    def __init__(self, expected: dict[str, asked.Question], wrong: str) -> None:
        self._expected, self._wrong = expected, wrong

    def test_state(self, *, definition: str, inspectionLevel: str, **given: Any) -> dict[str, str]:  # noqa: N803 - boto3's name
        assert given["stateName"] in json.dumps(json.loads(definition)["States"])
        following = self._expected[json.dumps(given, sort_keys=True)].next
        if given["stateName"] == self._wrong:
            return {"status": "SUCCEEDED", "nextState": "Elsewhere"}
        return {"status": "SUCCEEDED"} | ({"nextState": following} if following else {})


def test_what_aws_says_otherwise_is_told(questions: list[asked.Question]) -> None:
    some = [one for one in questions if one.state in ("FlipSlot", "ChooseAction")]
    aws = Aws({json.dumps(one.asked, sort_keys=True): one for one in some}, wrong="ChooseAction")
    told = [said for one in some if (said := asked.differs(aws, one))]
    assert told
    assert all(said.startswith("ChooseAction: Elsewhere, and not ") for said in told)


def test_what_is_written_is_what_the_page_names(runs: list[Recorded], tmp_path: Path) -> None:
    write(tmp_path, runs)
    assert {path.name for path in tmp_path.iterdir()} == set(
        re.findall(r"^\| `([\w.-]+\.json)` \|", PAGES["docs/engines.md"], re.MULTILINE)
    )
    inputs = json.loads((tmp_path / "inputs.json").read_text())
    assert len(inputs) == len(runs)
