"""The local AWS runs what a template says, from what `sam build` made of it; shown with a small template of every kind."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import LocalAws
from local.deploy import Stack, deploy
from local.lambdas import PYTHON, runtime_python
from tests.until import until

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  PythonRuntime: {Type: String, Default: python3.13}
  AccessPoint: {Type: String}
  Subnets: {Type: List<AWS::EC2::Subnet::Id>}
  Loud: {Type: String, Default: "false"}
Conditions:
  IsLoud: !Equals [!Ref Loud, "true"]
Globals:
  Function:
    Handler: app.lambda_handler
    Runtime: !Ref PythonRuntime
    Layers: [!Ref SharedLayer]
    Environment:
      Variables: {TARGETS_PATH: !Sub "/${AWS::StackName}/targets", LEVEL: !If [IsLoud, DEBUG, INFO]}
Resources:
  SharedLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: !Ref PythonRuntime}
    Properties: {ContentUri: layers/shared/, CompatibleRuntimes: [!Ref PythonRuntime]}
  ExtraLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: !Ref PythonRuntime}
    Properties: {ContentUri: layers/extra/, CompatibleRuntimes: [!Ref PythonRuntime]}
  StepFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/step/
      Role: !GetAtt StepRole.Arn
      Timeout: 7
      Layers: [!Ref ExtraLayer]
      VpcConfig: {SubnetIds: !Ref Subnets, SecurityGroupIds: [sg-1]}
      FileSystemConfigs: [{Arn: !Ref AccessPoint, LocalMountPath: /mnt/sites}]
      Environment: {Variables: {SITES_ROOT: /mnt/sites}}
  PlainFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/step/, Role: !GetAtt StepRole.Arn}
  StepRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      ManagedPolicyArns: [!Ref StepPolicy]
  StepPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ssm:GetParameter", Resource: "*"}]}
  Key:
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: {Version: "2012-10-17", Statement: []}}
  Target:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Name: !Sub "/${AWS::StackName}/targets/openemr", Value: !Sub '{"key": "${Key.Arn}"}'}
  NotHere:
    Type: AWS::EKS::AccessEntry
    Properties: {ClusterName: somewhere, PrincipalArn: !GetAtt StepRole.Arn}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: !Ref AWS::StackName
      RoleArn: !GetAtt StepRole.Arn
      DefinitionS3Location: machine.asl.yaml
      DefinitionSubstitutions: {StepFunctionArn: !GetAtt StepFunction.Arn, Greeting: !Sub "hello ${AWS::StackName}"}
Outputs:
  TargetName: {Value: !Ref Target}
  MachineArn: {Value: !Ref Machine}
  OnlyIfLoud: {Condition: IsLoud, Value: !Ref Machine}
"""
MACHINE = """
StartAt: Each
States:
  Each:
    Type: Map
    ItemsPath: $.items
    MaxConcurrency: 1
    ItemSelector: {item.$: $$.Map.Item.Value, run.$: $$.Execution.Name}
    ItemProcessor:
      StartAt: Step
      States:
        Step:
          Type: Task
          Resource: arn:aws:states:::lambda:invoke
          Parameters: {FunctionName: "${StepFunctionArn}", Payload.$: $}
          TimeoutSeconds: 22
          ResultSelector: {said.$: $.Payload}
          Retry: [{ErrorEquals: [Passing], IntervalSeconds: 1, MaxAttempts: 2, MaxDelaySeconds: 1, JitterStrategy: FULL}]
          End: true
    Catch: [{ErrorEquals: [SourceRejected], ResultPath: $.failures.Each, Next: Refused}]
    ResultPath: $.said
    Next: Done
  Done: {Type: Pass, Parameters: {said.$: "$.said[*].said", greeting: "${Greeting}"}, End: true}
  Refused: {Type: Fail, Error: Refused, CausePath: "States.Format('Each: {}', $.failures.Each.Error)"}
"""
CODE = """
import os
import extra, shared

def lambda_handler(event, context):
    if event["item"] == "bad":
        raise shared.SourceRejected("bad")
    return [event["item"], event["run"], os.environ["SITES_ROOT"]]
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write(folder, {"template.yaml": TEMPLATE, "machine.asl.yaml": MACHINE, "functions/step/app.py": CODE})
    write(folder, {"layers/shared/shared.py": "class SourceRejected(Exception): pass", "layers/shared/requirements.txt": ""})
    write(folder, {"layers/extra/extra.py": "", "layers/extra/requirements.txt": ""})
    sam = [str(Path(sys.executable).with_name("sam")), "build", "--parameter-overrides", f"PythonRuntime={PYTHON}"]
    subprocess.run(sam, cwd=folder, check=True, capture_output=True)
    return folder / ".aws-sam/build"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python(), tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@pytest.fixture(scope="module")
def stack(aws: LocalAws, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    parameters = {"PythonRuntime": PYTHON, "AccessPoint": "fsap-1", "Subnets": "subnet-1,subnet-2"}
    return deploy(aws, built, "sample", parameters, {"/mnt/sites": tmp_path_factory.mktemp("sites")})


def run(aws: LocalAws, stack: Stack, name: str, items: list[str]) -> dict[str, Any]:
    machines = aws.client("stepfunctions")
    started = machines.start_execution(stateMachineArn=stack["Machine"], name=name, input=json.dumps({"items": items}))

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = machines.describe_execution(executionArn=started["executionArn"])
        return None if execution["status"] == "RUNNING" else execution

    return until(ended)


def test_the_machine_runs_the_built_functions_with_their_layers_and_mounts(aws: LocalAws, stack: Stack) -> None:
    execution = run(aws, stack, "good", ["a", "b"])
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert [said[:2] for said in output["said"]] == [["a", "good"], ["b", "good"]]
    assert output["greeting"] == "hello sample"
    assert all(Path(said[2]).is_dir() for said in output["said"])


def test_the_machine_catches_the_class_that_a_function_raised(aws: LocalAws, stack: Stack) -> None:
    execution = run(aws, stack, "refused", ["a", "bad"])
    assert (execution["status"], execution["error"], execution["cause"]) == ("FAILED", "Refused", "Each: SourceRejected")


def test_a_function_without_a_layer_or_a_mount_has_none(aws: LocalAws, stack: Stack) -> None:
    payload = json.dumps({"item": "a", "run": "r"})
    answer = aws.client("lambda").invoke(FunctionName=stack["PlainFunction"], Payload=payload)
    assert json.load(answer["Payload"])["errorMessage"] == "Unable to import module 'app': No module named 'extra'"


def test_settings_come_from_the_template_resolved(aws: LocalAws, stack: Stack) -> None:
    settings = aws.client("lambda").get_function_configuration(FunctionName=stack["StepFunction"])
    assert settings["Timeout"] == 7
    assert settings["Environment"]["Variables"] == {
        "TARGETS_PATH": "/sample/targets",
        "LEVEL": "INFO",
        "SITES_ROOT": "/mnt/sites",
    }
    assert settings["Role"].split("/")[-1] == stack["StepRole"]


def test_the_parameter_is_made_from_other_resources(aws: LocalAws, stack: Stack) -> None:
    value = aws.client("ssm").get_parameter(Name="/sample/targets/openemr")["Parameter"]["Value"]
    assert json.loads(value)["key"].endswith(":key/" + stack["Key"])


def test_roles_keep_their_policies_for_whoever_checks_them(aws: LocalAws, stack: Stack) -> None:
    attached = aws.client("iam").list_attached_role_policies(RoleName=stack["StepRole"])["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [stack["StepPolicy"]]


def test_the_stack_says_what_its_template_says_of_itself(aws: LocalAws, stack: Stack) -> None:
    described = aws.client("cloudformation").describe_stacks(StackName="sample")["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    assert (outputs["TargetName"], outputs["MachineArn"]) == ("/sample/targets/openemr", stack["Machine"])
    assert "OnlyIfLoud" not in outputs
