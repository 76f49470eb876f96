"""The fleet's definition as a document: the same retries as the rotation's, a way out of every failure, nothing that grows."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rotation.fleet.budget import Verdict
from rotation.fleet.report import End
from rotation.fleet.run import Settings, wave_key

from local.translation import translate
from local.yaml_text import read_yaml
from tests.statemachine.machine import shipped
from tests.statemachine.machine import states as states_of
from tests.statemachine.machine import tasks as tasks_of
from tests.unit.test_stems import FLEET, snake

ROOT = Path(__file__).parents[2]
MARGIN_SECONDS = 15


@cache
def machine() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml((ROOT / "statemachine/fleet.asl.yaml").read_text())
    return found


STATES, TASKS = states_of(machine()), tasks_of(machine())
each_task = pytest.mark.parametrize("name", TASKS)


@cache
def resources() -> dict[str, Any]:
    found: dict[str, Any] = translate(ROOT)["Resources"]
    return found


def test_its_tasks_are_the_functions_of_their_names() -> None:
    assert {snake(name) for name in TASKS} == set(FLEET)
    assert all(task["Parameters"]["FunctionName"] == f"${{{name}FunctionArn}}" for name, task in TASKS.items())


@each_task
def test_a_task_retries_as_every_task_of_the_rotation_does(name: str) -> None:
    assert TASKS[name]["Retry"] == tasks_of(shipped())["ReadSlots"]["Retry"]


@each_task
def test_a_task_has_a_way_out_of_every_failure(name: str) -> None:
    assert TASKS[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@each_task
def test_a_task_waits_longer_than_its_function_runs(name: str) -> None:
    timeout = resources()[f"{name}Function"]["Properties"]["Timeout"]
    assert TASKS[name]["TimeoutSeconds"] == timeout + MARGIN_SECONDS


@each_task
def test_its_event_is_what_the_machine_hands_over(name: str) -> None:
    event = json.loads((ROOT / f"events/{snake(name)}.json").read_text())
    assert set(event) == {key.removesuffix(".$") for key in TASKS[name]["Parameters"]["Payload"]}


def test_every_state_says_why_and_every_fail_is_called_by_its_name() -> None:
    assert all(state["Comment"].strip() for state in STATES.values())
    assert all(state["Error"] == name for name, state in STATES.items() if state["Type"] == "Fail")


def test_no_child_fails_and_none_hands_anything_back() -> None:
    """A Map's output grows with its items: here none of them has any, and the Map throws away even that."""
    wave, lane = STATES["RotateWave"], STATES["RotateLane"]
    inside = [*wave["ItemProcessor"]["States"].values(), *lane["ItemProcessor"]["States"].values()]
    assert [state["Type"] for state in inside if state["Type"] == "Fail"] == []
    ends = [state for state in inside if state.get("End")]
    assert ends
    assert all(state["Result"] == {} for state in ends)
    assert wave["ResultPath"] is lane["ResultPath"] is None
    assert wave["Catch"][-1]["ErrorEquals"] == lane["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_tolerance_is_a_float_since_an_engine_reads_no_integer() -> None:
    tolerated = STATES["RotateWave"]["ToleratedFailurePercentage"]
    assert (tolerated, type(tolerated)) == (100.0, float)
    assert "ItemBatcher" not in STATES["RotateWave"]


def test_a_wave_is_read_from_where_it_was_written() -> None:
    pattern = re.search(r"'(.+)'", STATES["RotateWave"]["ItemReader"]["Parameters"]["Key.$"])
    assert pattern
    assert pattern[1].format("run", 7) == wave_key("run", 7)


def test_settings_have_defaults_and_no_others_are_known() -> None:
    defaults = dict(machine()["States"]["Begin"]["Parameters"]["defaults"])
    given = dict.fromkeys(defaults, "1") | {"patience_seconds": defaults["patience_seconds"]}
    assert Settings.parse(given).older_than_days is None
    assert set(Settings.__dataclass_fields__) == {*defaults, "older_than_days"}


def test_what_the_functions_decide_the_machine_knows() -> None:
    chosen = {one["StringEquals"]: one["Next"] for one in STATES["ChooseWave"]["Choices"]}
    assert chosen == {Verdict.GO_ON: "RotateWave", Verdict.STOP: "EndStopped"}
    ends = {one["StringEquals"]: one["Next"] for one in STATES["ChooseEnding"]["Choices"]}
    assert ends == {str(one): str(one) for one in End if one is not End.UNFINISHED}
    assert STATES["ChooseEnding"]["Default"] == End.UNFINISHED


def test_what_the_definition_asks_for_is_substituted_and_nothing_more() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", json.dumps(machine())))
    assert asked == set(resources()["FleetStateMachine"]["Properties"]["DefinitionSubstitutions"])


# ---- what its roles may do ---------------------------------------------------------------------------------------------------


def statements(role: str) -> list[dict[str, Any]]:
    properties = resources()[role]["Properties"]
    documents = [one["PolicyDocument"] for one in properties["Policies"]]
    documents += [resources()[one["Ref"]]["Properties"]["PolicyDocument"] for one in properties.get("ManagedPolicyArns", [])]
    found = [one for document in documents for one in document["Statement"]]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in found]


@pytest.mark.parametrize(
    ("name", "writes", "reads_values", "starts"),
    [
        ("FindDue", True, True, False),
        ("StartTarget", True, True, True),
        ("LookAtTarget", True, False, False),
        ("DecideWave", False, False, False),
        ("ReportFleet", True, False, False),
    ],
)
def test_a_function_may_no_more_than_its_part(name: str, writes: bool, reads_values: bool, starts: bool) -> None:
    actions = {
        action
        for one in statements(f"{name}Role")
        for action in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])
    }
    assert ("s3:PutObject" in actions, "secretsmanager:GetSecretValue" in actions) == (writes, reads_values)
    assert ("states:StartExecution" in actions) is starts
    assert not actions & {"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage", "states:ListExecutions"}


def by_tag() -> list[tuple[str, dict[str, Any]]]:
    """Every statement that reaches a secret which no parameter names."""
    policies = {key: one for key, one in resources().items() if one["Type"] == "AWS::IAM::ManagedPolicy"}
    found = [
        (key, one["Fn::If"])
        for key, policy in policies.items()
        for one in policy["Properties"]["PolicyDocument"]["Statement"]
        if "Fn::If" in one
    ]
    assert {condition for _, (condition, *_) in found} == {"HasFleet"}
    return [(key, statement) for key, (_, statement, _) in found if "secretsmanager:" in str(statement["Action"])]


def test_a_further_targets_secret_is_reached_only_by_the_stacks_tag_and_as_what_it_is() -> None:
    parts = {"Slot": "record", "Admin": "admin", "Application": "application", "Proxy": "proxy"}
    found = by_tag()
    assert len(found) >= 8
    for policy, statement in found:
        condition = statement["Condition"]["StringEquals"]
        assert condition["aws:ResourceTag/credential-rotation"] == {"Ref": "AWS::StackName"}, policy
        (part,) = {part for word, part in parts.items() if word in policy}
        assert condition["aws:ResourceTag/credential-rotation-part"] == part, policy


@pytest.mark.parametrize("policy", sorted({policy for policy, _ in by_tag()}))
def test_by_tag_the_same_may_be_done_as_by_name(policy: str) -> None:
    found = resources()[policy]["Properties"]["PolicyDocument"]["Statement"]
    by_name = [one["Action"] for one in found if "Fn::If" not in one]
    tagged = [one["Fn::If"][1]["Action"] for one in found if "Fn::If" in one]
    assert tagged == by_name
