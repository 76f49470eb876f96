"""Further targets in one stack, as people add them: a document in Parameter Store, and secrets that tags make reachable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rotation_cli.reach import PART, TAG

from local.iam.recording import Recording
from local.running import Running


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
        """By its tags the roles reach what no parameter names."""
        tags = {TAG: self.deployed.name, PART: part}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.aws.client("secretsmanager").tag_resource(SecretId=arn, Tags=listed)
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
