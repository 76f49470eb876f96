"""AWS, EKS, EFS, Aurora and OpenEMR on this machine, started and stopped as one thing.

What is deployed is the shipped template as `sam build` left it; this module says only what is outside of it: the
secrets, the application, and the values of the parameters.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.access import access_entries
from local.aws import REPOSITORY, LocalAws
from local.cluster import php
from local.cluster.application import ADMIN, DEPLOYMENT, LOGIN_PAGE, SCHEMA, SECRET, Application
from local.cluster.tokens import MASTERS, PERSON
from local.decided import decided
from local.deploy import Stack, deploy
from local.iam.recording import Recording
from local.lambdas import runtime_python
from local.leftovers import Leftovers
from local.mysql import Login
from local.translation import translate

NAME = "credential-rotation"
CLUSTER = "openemr-eks"
TARGET = "openemr"
BUILD = REPOSITORY / ".aws-sam" / "build"
SECRET_KEY = "local"
SLOT_SECRET, ADMIN_SECRET = "openemr/slots", "openemr/admin"
OVERRIDES = {"PythonRuntime": "python3.11", "Architecture": "arm64" if os.uname().machine == "aarch64" else "x86_64"}
"""The only two parameters with a default that differ from AWS: what this machine can run."""


@dataclass(frozen=True)
class Pace:
    """How patient the local target is. Shorter than in AWS, where EFS caches for a minute and functions may linger."""

    quiet_seconds: int = 8
    drain_deadline_seconds: int = 120
    rollout_deadline_seconds: int = 60
    progress_deadline_seconds: int = 6
    pod_seconds: float = 0.5


class LocalStack:
    """`with LocalStack() as stack:` everything runs; afterwards nothing is left."""

    aws: LocalAws
    app: Application
    deployed: Stack

    def __init__(self, pods: int = 3, pace: Pace | None = None, cluster: str | None = None) -> None:
        """`cluster`: its kind; None: what CLUSTER says, the stand-in if it says nothing."""
        self._pods = pods
        self._cluster = cluster
        self.pace = pace or Pace()
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

    def recording(self) -> Recording:
        """Who called what so far."""
        return Recording.of(self.calls, self._given, self.deployed.resources)

    @property
    def machine_arn(self) -> str:
        return self.deployed["RotationStateMachine"]

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"MySQL": self.app.mysql.version(), "PHP": php.version(), "Kubernetes": self.app.cluster.version}

    def function(self, state: str) -> str:
        """The name of the function behind a state."""
        return self.deployed[f"{'CheckDrained' if state == 'CheckStillDrained' else state}Function"]

    def access_entries(self) -> dict[str, list[str]]:
        """Whom the cluster lets in, with their groups: the functions as the template says, and a person with kubectl."""
        return {PERSON: [MASTERS], **access_entries(decided(translate(BUILD, self._given), self._given), self.deployed)}

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

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.app.mysql.accepts(Login(user, password))

    def _start(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            aws = pool.submit(self._start_aws)
            self._start_application()
            self.aws = aws.result()
        authority = base64.b64encode(self.app.cluster.ca.encode()).decode()
        self.aws.register_cluster(CLUSTER, self.app.cluster.api, authority)
        mounts = {"/mnt/sites": self.app.sites}
        self._given = self._parameters()
        self.deployed = deploy(self.aws, BUILD, NAME, self._given, mounts)
        self.app.cluster.admit(self.access_entries())

    def _start_aws(self) -> LocalAws:
        aws = LocalAws(runtime_python(), self.logs, self.calls, environment=self._run.environment)
        self._ended.callback(aws.stop)
        return aws.start()

    def _start_application(self) -> None:
        self.app = Application(
            self._run,
            cluster=CLUSTER,
            secret_keys={"*": SECRET_KEY},
            pods=self._pods,
            ready_after=self.pace.pod_seconds,
            progress_deadline=self.pace.progress_deadline_seconds,
            kind=self._cluster,
        )
        self.app.start()
        self._ended.callback(self.app.stop)

    def _parameters(self) -> dict[str, str]:
        """Of the shipped template: what is outside, the pace, and the two overrides."""
        account = "123456789012"
        here = f"{self.aws.region}:{account}"
        return {
            **OVERRIDES,
            "SlotSecretArn": self._create_secret(SLOT_SECRET, self._slots()),
            "AdminSecretArn": self._create_secret(ADMIN_SECRET, self._login(ADMIN, self.app.admin.password)),
            "SecretsKmsKeyArn": f"arn:aws:kms:{here}:key/00000000-0000-0000-0000-000000000000",
            "SubnetIds": "subnet-00000000",
            "SecurityGroupIds": "sg-00000000",
            "SitesFileSystemArn": f"arn:aws:elasticfilesystem:{here}:file-system/fs-00000000",
            "SitesAccessPointArn": f"arn:aws:elasticfilesystem:{here}:access-point/fsap-00000000",
            "ClusterName": CLUSTER,
            "Namespace": self.app.namespace,
            "K8sSecretName": SECRET,
            "DeploymentName": DEPLOYMENT,
            "HealthUrl": self.app.cluster.url + LOGIN_PAGE,
            "DatabaseCa": self.app.mysql.ca_pem.replace("\n", "\\n"),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
            "RolloutDeadlineSeconds": str(self.pace.rollout_deadline_seconds),
            "DefaultTarget": TARGET,
        }

    def _create_secret(self, name: str, value: Mapping[str, Any]) -> str:
        secrets = self.aws.client("secretsmanager")
        arn: str = secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
        return arn

    def _slots(self) -> dict[str, Any]:
        logins = {slot: self._login(login.username, login.password) for slot, login in self.app.slots.items()}
        return {"active_slot": "A", **logins}

    def _login(self, user: str, password: str) -> dict[str, str]:
        mysql = self.app.mysql
        return {"username": user, "password": password, "host": mysql.host, "port": str(mysql.port), "dbname": SCHEMA}
