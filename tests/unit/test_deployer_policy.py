"""The deployer's policy allows what CloudFormation does for the template's resources, on this stack's alone.

What CloudFormation needs for each is said by AWS's own resource schemas, as far as a package of the tests brings them.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import localstack
import pytest

from local.aws import REPOSITORY
from local.iam.evaluator import Decision, Request, decide
from tests.unit.test_template import template

POLICY = json.loads((REPOSITORY / "examples" / "deployer-policy.json").read_text())
LONGEST = 6144
"""Characters of a managed policy, blanks not counted."""
HERE = "us-east-1:123456789012"
NAME = "credential-rotation-dev"
RESOURCES = {
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{HERE}:alarm:{NAME}-ExecutionsFailed",
    "AWS::CloudWatch::Dashboard": f"arn:aws:cloudwatch::123456789012:dashboard/{NAME}",
    "AWS::EKS::AccessEntry": f"arn:aws:eks:{HERE}:cluster/clinic",
    "AWS::Events::Rule": f"arn:aws:events:{HERE}:rule/{NAME}-Ended-1A2B",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::123456789012:policy/{NAME}-ReadTarget-1A2B",
    "AWS::IAM::Policy": f"arn:aws:iam::123456789012:role/{NAME}-ReadSlotsRole-1A2B",
    "AWS::IAM::Role": f"arn:aws:iam::123456789012:role/{NAME}-ReadSlotsRole-1A2B",
    "AWS::KMS::Key": f"arn:aws:kms:{HERE}:key/0000",
    "AWS::Lambda::EventInvokeConfig": f"arn:aws:lambda:{HERE}:function:{NAME}-TellOutcome-1A2B",
    "AWS::Lambda::Function": f"arn:aws:lambda:{HERE}:function:{NAME}-ReadSlots-1A2B",
    "AWS::Lambda::LayerVersion": f"arn:aws:lambda:{HERE}:layer:LibrariesLayer1a2b",
    "AWS::Lambda::Permission": f"arn:aws:lambda:{HERE}:function:{NAME}-TellOutcome-1A2B",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{NAME}",
    "AWS::Logs::MetricFilter": f"arn:aws:logs:{HERE}:log-group:/aws/rds/cluster/clinic/error",
    "AWS::S3::Bucket": f"arn:aws:s3:::{NAME}-fleet-1a2b",
    "AWS::S3::BucketPolicy": f"arn:aws:s3:::{NAME}-fleet-1a2b",
    "AWS::SNS::Subscription": f"arn:aws:sns:{HERE}:{NAME}-NoticeTopic-1A2B",
    "AWS::SNS::Topic": f"arn:aws:sns:{HERE}:{NAME}-NoticeTopic-1A2B",
    "AWS::SNS::TopicPolicy": f"arn:aws:sns:{HERE}:{NAME}-NoticeTopic-1A2B",
    "AWS::SQS::Queue": f"arn:aws:sqs:{HERE}:{NAME}-NotDelivered-1A2B",
    "AWS::SQS::QueuePolicy": f"arn:aws:sqs:{HERE}:{NAME}-NotDelivered-1A2B",
    "AWS::SSM::Document": f"arn:aws:ssm:{HERE}:document/{NAME}-wp-config",
    "AWS::SSM::Parameter": f"arn:aws:ssm:{HERE}:parameter/{NAME}/targets/openemr",
    "AWS::Scheduler::Schedule": f"arn:aws:scheduler:{HERE}:schedule/{NAME}/rotate",
    "AWS::Scheduler::ScheduleGroup": f"arn:aws:scheduler:{HERE}:schedule-group/{NAME}",
    "AWS::SecretsManager::ResourcePolicy": f"arn:aws:secretsmanager:{HERE}:secret:clinic/slots-AbCdEf",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{HERE}:stateMachine:{NAME}",
}
WITHOUT_SCHEMA = {
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:DeleteDashboards"),
    "AWS::EKS::AccessEntry": ("eks:CreateAccessEntry", "eks:DescribeAccessEntry", "eks:DeleteAccessEntry", "eks:UpdateAccessEntry"),
    "AWS::Events::Rule": (
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "events:DeleteRule",
        "events:DescribeRule",
    ),
    "AWS::IAM::ManagedPolicy": ("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:DeletePolicy"),
    "AWS::IAM::Policy": ("iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy"),
    "AWS::Lambda::EventInvokeConfig": (
        *("lambda:PutFunctionEventInvokeConfig", "lambda:UpdateFunctionEventInvokeConfig"),
        *("lambda:GetFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig"),
    ),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "lambda:RemovePermission", "lambda:GetPolicy"),
    "AWS::Logs::MetricFilter": ("logs:PutMetricFilter", "logs:DeleteMetricFilter", "logs:DescribeMetricFilters"),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"),
    "AWS::SNS::Subscription": ("sns:Subscribe", "sns:Unsubscribe", "sns:GetSubscriptionAttributes"),
    "AWS::SSM::Document": (
        "ssm:CreateDocument",
        "ssm:UpdateDocument",
        "ssm:DescribeDocument",
        "ssm:DeleteDocument",
        "ssm:GetDocument",
    ),
    "AWS::SecretsManager::ResourcePolicy": ("secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy"),
}
"""From AWS's service authorization reference: these schemas are not in the package, or say nothing of permissions."""
OF_NO_RESOURCE = (
    *("ec2:", "elasticfilesystem:", "kms:CreateKey"),
    *("logs:CreateLogDelivery", "logs:PutResourcePolicy", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
)
NOT_USED = (
    "s3tables:",
    "firehose:",
    "s3:REST.PUT.OBJECT",
    "iam:PassRole",
    "s3:GetObject",
    *("lambda:PassCapacityProvider", "lambda:PutFunctionScalingConfig", "lambda:GetFunctionScalingConfig"),
    *("lambda:GetCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig", "lambda:DeleteFunctionCodeSigningConfig"),
    *("s3:PutObjectAcl", "s3:DeleteObject", "s3:CreateBucketMetadata", "s3:UpdateBucketMetadata"),
)
"""A schema names what any use of the resource can need. These belong to uses that the template has not; or, PassRole and GetObject,
to other resources: they have a test of their own."""


@cache
def schemas() -> dict[str, Any]:
    found = (json.loads(path.read_text()) for path in Path(next(iter(localstack.__path__))).glob("**/*.schema.json"))
    return {schema["typeName"]: schema for schema in found}


def resource_of(action: str, kind: str) -> str:
    if action.startswith(OF_NO_RESOURCE):
        return "*"
    return RESOURCES["AWS::KMS::Key" if action.startswith("kms:") else kind]


def asked(kind: str) -> Iterator[str]:
    handlers = schemas().get(kind, {}).get("handlers", {})
    of_schema = chain.from_iterable(
        handlers[one]["permissions"] for one in ("create", "read", "update", "delete") if one in handlers
    )
    known = (one.replace("S3:", "s3:") for one in of_schema)
    yield from (one for one in known if not one.startswith(NOT_USED))
    yield from WITHOUT_SCHEMA.get(kind, ())


def allowed(action: str, resource: str) -> bool:
    return decide(POLICY["Statement"], Request(action, resource)) is Decision.ALLOWED


def test_it_is_short_enough_for_one_managed_policy() -> None:
    assert len("".join(json.dumps(POLICY).split())) <= LONGEST


def test_every_kind_of_resource_has_an_example_here() -> None:
    assert {one["Type"] for one in template()["Resources"].values()} == set(RESOURCES)


@pytest.mark.parametrize("kind", sorted(RESOURCES))
def test_it_allows_what_cloudformation_does_with(kind: str) -> None:
    needed = sorted(set(asked(kind)))
    assert needed
    assert [action for action in needed if not allowed(action, resource_of(action, kind))] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:PassRole", RESOURCES["AWS::IAM::Role"]),
        ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{HERE}:stack/{NAME}/0000"),
        ("cloudformation:CreateChangeSet", "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"),
        ("cloudformation:DescribeStackEvents", f"arn:aws:cloudformation:{HERE}:stack/{NAME}/0000"),
        ("s3:PutObject", "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/credential-rotation/0000"),
        ("s3:GetObject", "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/credential-rotation/0000"),
    ],
)
def test_it_allows_what_sam_does(action: str, resource: str) -> None:
    assert allowed(action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("secretsmanager:GetSecretValue", RESOURCES["AWS::SecretsManager::ResourcePolicy"]),
        ("secretsmanager:PutSecretValue", RESOURCES["AWS::SecretsManager::ResourcePolicy"]),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator"),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/mine"),
        ("iam:CreateUser", "arn:aws:iam::123456789012:user/mine"),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{HERE}:function:shop"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:shop"),
        ("s3:GetObject", "arn:aws:s3:::patients/0000"),
        ("states:StartExecution", RESOURCES["AWS::StepFunctions::StateMachine"]),
    ],
)
def test_it_does_not_allow(action: str, resource: str) -> None:
    assert not allowed(action, resource)
