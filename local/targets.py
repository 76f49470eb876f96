"""Further targets in one stack, as people add them: a document in Parameter Store, and secrets that tags make reachable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.iam.recording import Recording
from local.running import NAME, Running


def tags(part: str, stack: str = NAME) -> list[dict[str, str]]:
    """By which the stack's roles reach a secret that no parameter names. `part`: what it is to its target."""
    return [{"Key": "credential-rotation", "Value": stack}, {"Key": "credential-rotation-part", "Value": part}]


class ManyTargets(Running):
    """A stack with a fleet."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[str, str] = {}

    @property
    def fleet_arn(self) -> str:
        """Of the fleet's machine."""
        return self.deployed["FleetStateMachine"]

    def recording(self) -> Recording:
        """With what the secrets' tags say."""
        return replace(super().recording(), parts=self._parts)

    def start_fleet(self, name: str, started_by: str = "a test", **settings: Any) -> str:
        """The ARN of the execution."""
        states, given = self.aws.client("stepfunctions"), json.dumps({"settings": settings, "started_by": started_by})
        return str(states.start_execution(stateMachineArn=self.fleet_arn, name=name, input=given)["executionArn"])

    def _tagged(self, name: str, value: Mapping[str, Any], part: str) -> str:
        """A new secret, by its ARN."""
        arn = self._create_secret(name, value)
        self._tag(arn, part)
        return arn

    def _tag(self, arn: str, part: str) -> None:
        """That one is there already."""
        self.aws.client("secretsmanager").tag_resource(SecretId=arn, Tags=tags(part, self.deployed.name))
        self._parts[arn] = part

    def _document(self) -> dict[str, Any]:
        """The template's own target."""
        own: dict[str, Any] = json.loads(
            self.aws.client("ssm").get_parameter(Name=self.deployed["DefaultTargetParameter"])["Parameter"]["Value"]
        )
        return own

    def _add_target(self, name: str, document: Mapping[str, Any]) -> None:
        path = self.deployed["DefaultTargetParameter"].rpartition("/")[0]
        self.aws.client("ssm").put_parameter(Name=f"{path}/{name}", Value=json.dumps(document), Type="String")
