"""The shipped template deploys for each kind of application alone, and the machine verifies just the functions that are there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rotation.kinds.target import parse_target

from local.aws import LocalAws
from local.decided import Refused
from local.deploy import Stack, deploy
from local.lambdas import runtime_python
from local.running import BUILD, OVERRIDES
from tests.until import until
from tests.worlds.families import EVERYBODY, FAMILIES

CLUSTER = {f"{step}Function" for step in ("PatchSecret", "RestartApp", "CheckRollout")}
ONLY_OPENEMR = {"WriteSqlconfFunction"}
FILES = {"FixPermissionsFunction"}
INSTANCES = {"WriteWpConfigFunction"}
SWARM = {"CreateSwarmSecretFunction", "PrepareServiceFunction"}
PROXY = {"PutSecretFunction", "CheckLoginFunction", "RotateSecretFunction"}
FLEET = {f"{step}Function" for step in ("FindDue", "StartTarget", "LookAtTarget", "DecideWave", "ReportFleet")}
LEFT_OUT = {
    "OpenEMR": PROXY | INSTANCES | SWARM | FLEET,
    "RDS Proxy": ONLY_OPENEMR | CLUSTER | FILES | INSTANCES | SWARM | FLEET,
    "a secret without a proxy": ONLY_OPENEMR | CLUSTER | FILES | INSTANCES | SWARM | {"CheckLoginFunction"} | FLEET,
    "WordPress": ONLY_OPENEMR | CLUSTER | SWARM | {"CheckLoginFunction"} | FLEET,
    "Docker Swarm": ONLY_OPENEMR | CLUSTER | FILES | INSTANCES | {"CheckLoginFunction"} | FLEET,
    "pods of services": ONLY_OPENEMR | FILES | INSTANCES | SWARM | {"CheckLoginFunction"} | FLEET,
}
EVERY = len(list((Path(__file__).parents[2] / "functions").iterdir()))
WITHIN = 300.0  # seconds; some twenty functions start for the first time, and how long that takes is not what is asked here

each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python(), tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@pytest.fixture(scope="module")
def stacks(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stack]:
    """One of each, side by side."""
    sites = {"/mnt/sites": tmp_path_factory.mktemp("sites")}
    return {
        family: deploy(aws, BUILD, family.lower().replace(" ", "-"), FAMILIES[family] | OVERRIDES, sites) for family in FAMILIES
    }


@each_family
def test_the_functions_that_the_application_needs_are_there_and_no_others(
    aws: LocalAws, stacks: dict[str, Stack], family: str
) -> None:
    stack = stacks[family]
    functions = {key for key in stack.resources if key.endswith("Function")}
    assert LEFT_OUT[family] & functions == set()
    assert len(functions) == EVERY - len(LEFT_OUT[family])
    names = {one["FunctionName"] for one in aws.client("lambda").list_functions()["Functions"]}
    assert {stack[key] for key in functions} <= names


@each_family
def test_its_target_is_one_that_the_functions_can_read(aws: LocalAws, stacks: dict[str, Stack], family: str) -> None:
    name = f"/{stacks[family].name}/targets/openemr"
    text = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert parse_target("openemr", text).slot_secret == EVERYBODY["SlotSecretArn"]


def verified(aws: LocalAws, stack: Stack) -> dict[str, Any]:
    """The history's output of the Map that probes the functions."""
    machines = aws.client("stepfunctions")
    machine = stack["RotationStateMachine"]
    arn = machines.start_execution(stateMachineArn=machine, name="look", input='{"mode": "verify"}')["executionArn"]
    until(lambda: machines.describe_execution(executionArn=arn)["status"] != "RUNNING", WITHIN)
    events = machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    exits = [one["stateExitedEventDetails"] for one in events if "stateExitedEventDetails" in one]
    (probed,) = [json.loads(one["output"]) for one in exits if one["name"] == "ProbeFunctions"]
    found: dict[str, Any] = probed
    return found


def test_verify_asks_the_functions_that_are_there_and_passes_over_the_others(aws: LocalAws, stacks: dict[str, Stack]) -> None:
    """The secrets are not there, so that whoever looks finds something."""
    probes = {one["function"]: one for one in verified(aws, stacks["RDS Proxy"])["probes"]}
    absent = {"write_sqlconf", "fix_permissions", "patch_secret", "restart_app", "check_rollout", "write_wp_config"}
    absent |= {"create_swarm_secret", "prepare_service"}
    assert {name for name, one in probes.items() if one.get("findings") == []} == absent
    assert {name for name, one in probes.items() if "failure" in one} == set()
    assert {"put_secret", "check_login", "read_slots"} <= set(probes)


def test_half_an_application_makes_nothing(aws: LocalAws) -> None:
    with pytest.raises(Refused, match="Whose login is rotated"):
        deploy(aws, BUILD, "half", EVERYBODY | OVERRIDES)
    assert "half" not in [one["StackName"] for one in aws.client("cloudformation").list_stacks()["StackSummaries"]]
