"""What every stack on this machine is: AWS, and in it the shipped template; started and stopped as one thing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.aws import REPOSITORY, LocalAws
from local.deploy import Stack, deploy
from local.iam.recording import Recording
from local.lambdas import runtime_python
from local.leftovers import Leftovers
from local.mysql import Login

NAME = "credential-rotation"
BUILD = REPOSITORY / ".aws-sam" / "build"
PHASES = ("ValidateService", "CutOverService", "CleanUpService")
OF_ANOTHER = {"CheckStillDrained": "CheckDrained", **dict.fromkeys(PHASES, "PrepareService")}
"""States whose function is named after another one."""
OVERRIDES = {"PythonRuntime": "python3.11", "Architecture": "arm64" if os.uname().machine == "aarch64" else "x86_64"}
"""The only two parameters with a default that differ from AWS: what this machine can run."""


class Running:
    """`with …() as stack:` everything runs; afterwards nothing is left."""

    slot_secret: str
    admin_secret: str
    """Empty where the source needs none."""
    rotates_admin = True
    """Whether what that secret holds is rotated too."""
    target: str
    """The one that the template makes."""
    aws: LocalAws
    deployed: Stack
    _given: dict[str, str]
    """Of the template's parameters."""

    by_hand = False
    """Whether the template is left for a person to deploy: all else is started."""

    def __init__(self) -> None:
        self._run = Leftovers()
        self._ended = ExitStack()

    def __enter__(self) -> Self:
        self._run.__enter__()
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        """The watcher ends whatever still runs, the same way whether we get here or not; then the dead are collected."""
        self._run.close()
        self._ended.close()

    # What differs from application to application

    def _start(self) -> None:
        raise NotImplementedError

    @property
    def page(self) -> str:
        """The address of a page that needs the database."""
        raise NotImplementedError

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        raise NotImplementedError

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        raise NotImplementedError

    def held(self) -> dict[str, Login]:
        """What each place that the application reads its login from says now."""
        raise NotImplementedError

    def accepts(self, user: str, password: str) -> bool:
        """Whether anybody lets that login in."""
        raise NotImplementedError

    def may_hold(self, path: Path) -> bool:
        """Whether a password belongs in that file."""
        raise NotImplementedError

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """Where else a password might be, besides what every stack has; each with what is there."""
        return iter(())

    def deploy(self, name: str = NAME, given: Mapping[str, str] | None = None) -> None:
        """The template as `sam build` left it, as a stack of that name; `given`: what a person gives it, else all that it needs."""
        self._given = dict(given or self._given)
        self.deployed = deploy(self.aws, BUILD, name, self._given, self._mounts())

    def _mounts(self) -> Mapping[str, Path]:
        """Folders of this machine that functions see, by where."""
        return {}

    # What is the same

    @property
    def parameters(self) -> dict[str, str]:
        """What the template has to be given here."""
        return dict(self._given)

    @property
    def directory(self) -> Path:
        """All files of this run."""
        return self._run.directory

    @property
    def logs(self) -> Path:
        """What would be in CloudWatch."""
        return self._run.directory / "logs"

    @property
    def calls(self) -> Path:
        """The record of who called what."""
        return self._run.directory / "calls.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        """What all processes of this run are started with; the mark in it is how they are found."""
        return self._run.environment

    def recording(self) -> Recording:
        """Who called what so far."""
        return Recording.of(self.calls, self._given, self.deployed.resources)

    @property
    def machine_arn(self) -> str:
        return self.deployed["RotationStateMachine"]

    def function(self, state: str) -> str:
        """The name of the function behind a state."""
        return self.deployed[f"{OF_ANOTHER.get(state, state)}Function"]

    def secret(self, name: str, version: str | None = None, stage: str = "AWSCURRENT") -> dict[str, Any]:
        """What a version of a secret holds; by stage unless a version is named."""
        which = {"VersionId": version} if version else {"VersionStage": stage}
        text: str = self.aws.client("secretsmanager").get_secret_value(SecretId=name, **which)["SecretString"]
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def start_execution(self, name: str, given: Mapping[str, Any] | None = None) -> str:
        """The ARN. Always named: the local engine calls unnamed ones all the same."""
        states = self.aws.client("stepfunctions")
        arn: str = states.start_execution(stateMachineArn=self.machine_arn, name=name, input=json.dumps(dict(given or {})))[
            "executionArn"
        ]
        return arn

    def _start_aws(self) -> LocalAws:
        aws = LocalAws(runtime_python(), self.logs, self.calls, environment=self._run.environment)
        self._ended.callback(aws.stop)
        return aws.start()

    def _create_secret(self, name: str, value: Mapping[str, Any]) -> str:
        secrets = self.aws.client("secretsmanager")
        arn: str = secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
        return arn

    def _for_everybody(self, slots: Mapping[str, Any], admin: Mapping[str, str] | None) -> dict[str, str]:
        """The parameters that no stack goes without; the two secrets are made, or one where there is no admin."""
        return {
            **OVERRIDES,
            "SlotSecretArn": self._create_secret(self.slot_secret, slots),
            "AdminSecretArn": self._create_secret(self.admin_secret, admin) if admin else "none",
            "SecretsKmsKeyArn": f"arn:aws:kms:{self.aws.region}:123456789012:key/00000000-0000-0000-0000-000000000000",
            "SubnetIds": "subnet-00000000",
            "SecurityGroupIds": "sg-00000000",
            "DefaultTarget": self.target,
        }
