"""What a person sees of the shop and does to it in the console of Secrets Manager."""

from __future__ import annotations

from typing import Any

from local.shop.stack import Shop


def labels(shop: Shop, secret: str) -> dict[str, str]:
    """Each with its version."""
    stages = shop.aws.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    return {label: version for version, some in stages.items() for label in some}


def press(shop: Shop, **more: Any) -> str:
    """The console's "Rotate immediately": the version that is to come."""
    described = shop.aws.client("lambda").get_function(FunctionName=shop.deployed["RotateSecretFunction"])
    arn, secrets = described["Configuration"]["FunctionArn"], shop.aws.client("secretsmanager")
    return str(secrets.rotate_secret(SecretId=shop.application, RotationLambdaARN=arn, **more)["VersionId"])


def said(shop: Shop, token: str) -> list[str]:
    """Of the rotation to that version, by Secrets Manager."""
    return [one["eventName"] for one in shop.aws.rotation_events(shop.application) if one["token"] == token]


def ends(shop: Shop) -> dict[str, str]:
    """Every execution, by how it is getting on."""
    listed = shop.aws.client("stepfunctions").list_executions(stateMachineArn=shop.machine_arn)["executions"]
    return {one["name"]: one["status"] for one in listed}
