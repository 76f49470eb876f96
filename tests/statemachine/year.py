"""A year of the shipped machine under a fake clock: twelve months as scheduled but one, two of them failing, each mended."""

import json
import os
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.aws import local_only
from local.yaml_text import read_yaml
from tests.statemachine.machine import ROOT, TARGET, definition_text, shipped
from tests.statemachine.processes import engine
from tests.statemachine.scripted import Answer, Raises, Script, ScriptedLambda
from tests.until import until

STACK = "credential-rotation"
GROUP = f"/aws/vendedlogs/states/{STACK}"
MADE = datetime(2024, 11, 20, 9, tzinfo=UTC)
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
MISSED = datetime(2025, 10, 1, 3, tzinfo=UTC)
ROLLED_BACK = datetime(2025, 3, 1, 3, tzinfo=UTC)
NOT_RETIRED = datetime(2025, 8, 1, 3, tzinfo=UTC)
PERSON = "arn:aws:sts::123456789012:assumed-role/oncall/ada"
ODD = '=1+1 <b>"it"</b> & \x1b[31mso on'
"""A reason as nobody should write one: a formula, markup and an order to the terminal."""
TARGET_DOCUMENT = {
    "slot_secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:openemr/slots-AbCdEf",
    "admin_secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:openemr/admin-AbCdEf",
    "source": {"kind": "mysql"},
    "consumers": [{"kind": "sqlconf", "path": "default/sqlconf.php"}],
    "health": {"url": "https://openemr.example/", "marker": "OpenEMR Login"},
}
SECONDS = {"read_slots": 1.4, "restart_app": 0.6, "check_rollout": 0.3, "validate_app": 2.1, "rotate_old_slot": 0.9}
"""How long a function takes; half a second, if it is not named."""


class Timed(ScriptedLambda):
    """Functions that take their time, by the engine's clock."""

    year: "Year"

    def answer(self, function: str, event: dict[str, Any]) -> Answer:
        self.year.pass_time(SECONDS.get(function, 0.5))
        return super().answer(function, event)


class Year:
    """An engine with the shipped machine, its log and a target; and what happened on it."""

    def __init__(self, endpoint: str, functions: Timed) -> None:
        self.endpoint, self._functions = endpoint, functions
        functions.year = self
        self.states, self._logs, self._parameters = (self._client(name) for name in ("stepfunctions", "logs", "ssm"))
        self.arns: list[str] = []
        self._logs.create_log_group(logGroupName=GROUP)
        self._parameters.put_parameter(Name=f"/{STACK}/targets/{TARGET}", Type="String", Value=json.dumps(TARGET_DOCUMENT))
        made = self.states.create_state_machine(
            name=STACK, definition=definition_text(shipped()), roleArn="arn:aws:iam::123456789012:role/states"
        )
        self.machine = made["stateMachineArn"]
        template = read_yaml((ROOT / "template.yaml").read_text())
        logging = template["Resources"]["RotationStateMachine"]["Properties"]["LoggingConfiguration"]
        self._order("_local/logs", {"machine": self.machine, "group": GROUP, "include_data": logging["IncludeExecutionData"]})

    def environment(self) -> dict[str, str]:
        """Of a process that is to find this AWS and no other."""
        keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
        return {**local_only(os.environ), **keys, "AWS_ENDPOINT_URL": self.endpoint, "PYTHONPATH": "cli:layers/rotation"}

    def pass_time(self, seconds: float) -> None:
        self._order("_clock", {"by": seconds})

    def at(self, moment: datetime) -> None:
        """Moves on; what has happened is in the log by then, as it is in AWS within seconds."""
        self._logs.describe_log_streams(logGroupName=GROUP)
        self._order("_clock", {"to": moment.isoformat()})

    def run(self, name: str, given: Mapping[str, Any], script: Script | None = None) -> str:
        """From its start to its end; the ARN."""
        self._functions.expect(name, {**usual(name), **(script or {})})
        arn: str = self.states.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(given))["executionArn"]
        self.arns.append(arn)
        until(lambda: self.states.describe_execution(executionArn=arn)["status"] != "RUNNING", every=0.1, seen=lambda: name)
        return arn

    def live(self) -> None:
        """All of it, and a month before and after."""
        self.month(datetime(2024, 12, 1, 3, tzinfo=UTC))
        for number in range(1, 13):
            moment = datetime(2025, number, 1, 3, tzinfo=UTC)
            if moment == ROLLED_BACK:
                self.month(moment, {"validate_app": [Raises("LoginRefused"), {}]})
                self.at(moment + timedelta(hours=6))
                self.run("by-hand", {"mode": "rotate", "started_by": PERSON, "reason": ODD})
            elif moment == NOT_RETIRED:
                self.month(moment, {"check_drained": [Raises("DrainTooSlow")]})
                self.at(moment + timedelta(minutes=40))
                left = {"read_slots": [{"action": "retire", "slot": "B", "old_slot": "A"}]}
                self.run("resume-2025-08", {"mode": "resume", "started_by": "tell_outcome", "reason": "2025-08 FAILED"}, left)
            elif moment != MISSED:
                self.month(moment)
            if number == 5:
                self.at(moment + timedelta(days=12))
                self.run("look", {"mode": "dry-run", "started_by": PERSON})
        self.month(END + timedelta(hours=3))

    def month(self, moment: datetime, script: Script | None = None) -> str:
        self.at(moment)
        given = {"scheduled_time": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "started_by": "schedule"}
        return self.run(f"{moment:%Y-%m}", given, script)

    def _client(self, service: str) -> Any:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "local"}
        return make(service, endpoint_url=self.endpoint, region_name="us-east-1", config=Config(proxies={}), **keys)

    def _order(self, what: str, order: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.endpoint}/{what}", json.dumps(order).encode(), method="POST")  # noqa: S310 - our own
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            assert response.status == 200


def usual(name: str) -> Script:
    """A rollout of six minutes, a quiet period of two, and version ids of its own."""
    flip, retire = (str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {what}")) for what in ("flip", "retire"))
    rolling = {"status": "waiting", "wait_seconds": 180}
    quiet = {"status": "waiting", "wait_seconds": 120}
    return {
        "claim_rotation": [{"version": flip}],
        "restart_app": [rolling],
        "check_rollout": [rolling],
        "check_drained": [quiet],
        "rotate_old_slot": [{"version": retire}],
    }


@contextmanager
def a_year(folder: Path) -> Iterator[Year]:
    """It is over when this begins."""
    with Timed() as functions, engine("tests.statemachine.clocked", functions.port, folder, MADE.isoformat()) as endpoint:
        year = Year(endpoint(), functions)
        year.live()
        yield year
