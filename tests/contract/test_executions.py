"""Whether an execution still runs: only a clear answer counts, and one that is not found yet may just have begun."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rotation.aws import client as adapter
from rotation.aws.executions import UNSEEN_SECONDS, comes_to_its_end, execution, execution_is_alive, has_started, outcome_of, start
from rotation.core.errors import OwnerUnknown
from rotation.core.seen import Ran
from rotation.told.notice import Resume

from local.aws import LocalAws
from local.ports import free_port
from tests.until import until

ROLE = "arn:aws:iam::123456789012:role/machine"
MACHINES = {
    "waiting": {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}},
    "ending": {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}},
    "failing": {
        "StartAt": "ValidateApp",
        "States": {
            "ValidateApp": {"Type": "Pass", "Next": "RolledBack"},
            "RolledBack": {"Type": "Fail", "Error": "RolledBack", "Cause": "the page is blank"},
        },
    },
}


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


@pytest.fixture(scope="module")
def machines(aws: LocalAws) -> dict[str, str]:
    states = aws.client("stepfunctions")
    return {
        name: states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
        for name, definition in MACHINES.items()
    }


def until_ended(states: Any, arn: str) -> None:
    until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")


def test_one_that_runs_is_alive_however_old_and_one_that_was_stopped_is_not(aws: LocalAws, machines: dict[str, str]) -> None:
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machines["waiting"], name="one")["executionArn"]
    assert execution_is_alive(arn, 10_000_000)
    states.stop_execution(executionArn=arn)
    until_ended(states, arn)
    assert not execution_is_alive(arn, 0)


def test_one_that_ended_is_not_alive(aws: LocalAws, machines: dict[str, str]) -> None:
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machines["ending"], name="one")["executionArn"]
    until_ended(states, arn)
    assert not execution_is_alive(arn, 0)


@pytest.mark.parametrize("other", ["{machine}:never-started", "not an ARN at all"])
def test_one_that_is_not_found_counts_as_alive_only_while_it_may_just_have_begun(machines: dict[str, str], other: str) -> None:
    arn = other.format(machine=machines["waiting"].replace(":stateMachine:", ":execution:"))
    assert execution_is_alive(arn, UNSEEN_SECONDS - 1)
    assert not execution_is_alive(arn, UNSEEN_SECONDS)


def test_no_answer_is_neither_alive_nor_dead(monkeypatch: pytest.MonkeyPatch, machines: dict[str, str]) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    adapter.client.cache_clear()
    with pytest.raises(OwnerUnknown, match="did not say"):
        execution_is_alive(f"{machines['waiting']}:x", 0)


# ---- how one ended ------------------------------------------------------------------------------------------------------------


def ended(aws: LocalAws, machine: str, name: str, given: str = "{}") -> str:
    states = aws.client("stepfunctions")
    arn: str = states.start_execution(stateMachineArn=machine, name=name, input=given)["executionArn"]
    until_ended(states, arn)
    return arn


def test_an_end_is_told_with_what_was_asked_and_what_came_of_it(aws: LocalAws, machines: dict[str, str]) -> None:
    given = {"mode": "revoke", "target": "another", "started_by": "arn:me"}
    outcome = outcome_of(ended(aws, machines["failing"], "told", json.dumps(given)), "openemr")
    assert (outcome.status, outcome.terminal, outcome.cause) == ("FAILED", "RolledBack", "the page is blank")
    assert (outcome.mode, outcome.target, outcome.started_by) == ("revoke", "another", "arn:me")
    assert (outcome.name, outcome.machine_arn) == ("told", machines["failing"])
    assert 0 <= outcome.seconds < 30
    assert [visit.state for visit in outcome.history.visits] == ["ValidateApp", "RolledBack"]


@pytest.mark.parametrize("given", ["{}", '"text"', "[1]"])
def test_what_the_input_leaves_out_is_what_the_machine_takes(aws: LocalAws, machines: dict[str, str], given: str) -> None:
    outcome = outcome_of(ended(aws, machines["ending"], f"input-{len(given)}", given), "openemr")
    assert (outcome.mode, outcome.target, outcome.started_by, outcome.terminal) == ("rotate", "openemr", "", "End")


def test_one_that_is_said_to_run_still_is_asked_for_again(aws: LocalAws, machines: dict[str, str]) -> None:
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machines["waiting"], name="not-yet")["executionArn"]
    with pytest.raises(OwnerUnknown, match="does not tell all of it yet"):
        outcome_of(arn, "openemr")
    assert comes_to_its_end(arn)
    states.stop_execution(executionArn=arn)
    until_ended(states, arn)
    assert outcome_of(arn, "openemr").status == "ABORTED"
    assert not comes_to_its_end(arn)


def test_who_ended_in_a_state_came_to_its_end_and_who_is_not_there_did_not(aws: LocalAws, machines: dict[str, str]) -> None:
    arn = ended(aws, machines["failing"], "to-its-end")
    assert comes_to_its_end(arn)
    assert not comes_to_its_end(f"{arn}-another")


def test_one_that_is_not_there_cannot_be_told(machines: dict[str, str]) -> None:
    with pytest.raises(OwnerUnknown, match=r"did not say .* \(ExecutionDoesNotExist\)"):
        outcome_of(machines["ending"].replace(":stateMachine:", ":execution:") + ":never-started", "openemr")


def test_a_resume_is_started_once_and_an_end_of_it_does_not_start_another(aws: LocalAws, machines: dict[str, str]) -> None:
    resume = Resume("resume-it", {"mode": "resume", "target": "openemr"})
    assert not has_started(machines["ending"], resume)
    assert start(machines["ending"], resume) == ""
    until_ended(aws.client("stepfunctions"), machines["ending"].replace(":stateMachine:", ":execution:") + ":resume-it")
    assert has_started(machines["ending"], resume)
    assert start(machines["ending"], resume) == ""
    found = aws.client("stepfunctions").list_executions(stateMachineArn=machines["ending"])["executions"]
    assert [one["name"] for one in found].count("resume-it") == 1


def test_a_resume_that_cannot_be_started_says_why(machines: dict[str, str]) -> None:
    assert start(f"{machines['ending']}-that-is-not-there", Resume("resume-it", {})) == "StateMachineDoesNotExist"


def test_an_execution_is_found_by_its_name_and_says_how_it_ended(aws: LocalAws, machines: dict[str, str]) -> None:
    assert execution(machines["failing"], "for-a-secret") is None
    arn = ended(aws, machines["failing"], "for-a-secret", "{}")
    found = execution(machines["failing"], "for-a-secret")
    assert found == Ran(arn, running=False, end="RolledBack", cause="the page is blank")


def test_an_execution_that_runs_says_so(aws: LocalAws, machines: dict[str, str]) -> None:
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machines["waiting"], name="it-runs")["executionArn"]
    found = execution(machines["waiting"], "it-runs")
    assert found is not None
    assert (found.arn, found.running, found.name) == (arn, True, "it-runs")
    states.stop_execution(executionArn=arn)
    until_ended(states, arn)
    stopped = execution(machines["waiting"], "it-runs")
    assert stopped is not None
    assert (stopped.running, stopped.end) == (False, "ABORTED")


def test_an_execution_that_cannot_be_asked_for_is_not_taken_for_none(
    machines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    adapter.client.cache_clear()
    with pytest.raises(OwnerUnknown, match=r"did not say .* \(EndpointConnectionError\)"):
        execution(machines["ending"], "whatever")
