"""A fleet of three real targets on one server: a canary that fails, all of them, a run that is throttled, one that is stopped in
the middle. And one of twenty, of which a fifth fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rotation.fleet.run import outcomes_folder, outcomes_in, plan_key, report_key
from rotation.fleet.waves import Item, in_waves

from local.aws import REPOSITORY, local_only
from local.faults import SecretFault, Throttle
from local.iam.audit import audit
from local.running import BUILD
from local.shop.many import Many
from local.shop.stack import Pace
from local.translation import translate
from tests.whole import only_in_the_whole, only_with_more

pytestmark = only_with_more

PATIENCE_SECONDS = 900
PACE = Pace(quiet_seconds=1, cache_seconds=0, lifetime_seconds=1)
MORE = ("books", "music")
TARGETS = ("shop", *MORE)
EVERYTHING = {"older_than_days": 0}
TWENTY = tuple(f"app{number:02}" for number in range(1, 20))
"""Beside the shop."""


class Fleet:
    """What a person sees of it."""

    def __init__(self, stack: Many) -> None:
        self.stack = stack
        self.states = stack.aws.client("stepfunctions")
        self.bucket = stack.deployed["FleetBucket"]

    def wait_for(self, what: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := what()):
            assert time.monotonic() < deadline, "it does not come"
            time.sleep(0.3)
        return found

    def run(self, name: str, **settings: Any) -> dict[str, Any]:
        """To its end, and until every rotation that it began has ended too."""
        arn = self.stack.start_fleet(name, **settings)
        found: dict[str, Any] = self.wait_for(lambda: self.ended(arn))
        self.wait_for(self.at_rest)
        return found

    def ended(self, arn: str) -> dict[str, Any] | None:
        seen = self.states.describe_execution(executionArn=arn)
        return seen if seen["status"] != "RUNNING" else None

    def at_rest(self) -> bool:
        return "RUNNING" not in self.rotations().values()

    def rotations(self) -> dict[str, str]:
        """Every rotation, by how it is getting on."""
        listed = self.states.list_executions(stateMachineArn=self.stack.machine_arn)["executions"]
        return {one["name"]: one["status"] for one in listed}

    def outcomes(self, run: str) -> dict[str, str]:
        s3 = self.stack.aws.client("s3")
        found = s3.list_objects_v2(Bucket=self.bucket, Prefix=outcomes_folder(run)).get("Contents", [])
        return {target: str(one) for target, one in outcomes_in(run, [one["Key"] for one in found]).items()}

    def report(self, run: str) -> dict[str, Any]:
        body = self.stack.aws.client("s3").get_object(Bucket=self.bucket, Key=report_key(run))["Body"].read()
        found: dict[str, Any] = json.loads(body)
        return found

    def plan(self, run: str) -> dict[str, Any]:
        """What it meant to do."""
        body = self.stack.aws.client("s3").get_object(Bucket=self.bucket, Key=plan_key(run))["Body"].read()
        found: dict[str, Any] = json.loads(body)
        return found

    def users(self) -> dict[str, str]:
        """Who each application logs in as; that it can is seen at the database."""
        found = {name: self.stack.used_by(name) for name in (self.stack.target, *self.stack.more)}
        assert all(self.stack.server.accepts(login) for login in found.values())
        return {name: login.username.removeprefix(f"{name}_") for name, login in found.items()}

    def document(self, target: str, **changes: Any) -> dict[str, Any]:
        """What it said before."""
        ssm = self.stack.aws.client("ssm")
        name = f"{self.stack.deployed['DefaultTargetParameter'].rpartition('/')[0]}/{target}"
        raw: dict[str, Any] = json.loads(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        if changes:
            ssm.put_parameter(Name=name, Value=json.dumps(raw | changes), Type="String", Overwrite=True)
        return raw


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Many(MORE, PACE) as stack:
        yield Fleet(stack)


def rotation(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    aws = fleet.stack.aws
    keys = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": aws.region}
    environment = {**local_only(os.environ), **keys, "AWS_ENDPOINT_URL": aws.endpoint, "PYTHONPATH": "cli:layers/rotation"}
    command = [sys.executable, "-m", "rotation_cli", *arguments]
    return subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def canary(run: str, due: Iterable[str] = TARGETS) -> str:
    """Whoever it is in that run: all are of one kind."""
    return in_waves([Item(name, "one", frozenset(), "") for name in due], run)[0][0].target


def test_nothing_is_due_on_the_first_day(fleet: Fleet) -> None:
    found = fleet.run("nothing-due")
    assert (found["status"], fleet.rotations()) == ("SUCCEEDED", {})
    assert fleet.report("nothing-due")["counts"] == {"not yet": 3}


def test_a_canary_that_fails_spares_all_others(fleet: Fleet) -> None:
    first, server = canary("canary"), fleet.stack.server
    fleet.document(first, endpoint={"host": server.host, "port": server.port, "ca": "amazon"})
    followed = rotation(fleet, "fleet", "start", "--name", "canary", "--older-than", "0", "--follow")
    assert (followed.returncode, followed.stderr) == (1, ""), followed.stdout
    assert "FleetStopped" in followed.stdout
    assert f"a canary failed ({first}): no other target was begun" in followed.stdout
    assert fleet.outcomes("canary") == {first: "failed"}
    assert list(fleet.rotations()) == [f"fleet-canary-{first}"]
    assert fleet.users() == dict.fromkeys(TARGETS, "a"), "the canary was rolled back, nobody else was touched"
    assert fleet.report("canary")["counts"] == {"failed": 1, "not begun": 2}


def test_then_all_of_them_with_that_one_held(fleet: Fleet, tmp_path: Path) -> None:
    first = canary("canary")
    assert rotation(fleet, "targets", "hold", first, "--until", "2999-01-01", "--reason", "its proxy is broken").returncode == 0
    found = fleet.run("all", **EVERYTHING)
    assert found["status"] == "SUCCEEDED", found
    assert fleet.users() == {name: "a" if name == first else "b" for name in TARGETS}
    assert fleet.report("all")["counts"] == {"rotated": 2, "held": 1}
    told = rotation(fleet, "fleet", "report", "--html", str(tmp_path / "fleet.html"))
    assert (told.returncode, "its proxy is broken" in told.stdout) == (0, True), told.stdout
    assert "3 targets: 2 rotated, 1 held." in (tmp_path / "fleet.html").read_text()
    assert rotation(fleet, "targets", "release", first).returncode == 0
    again = rotation(fleet, "targets", "release", first)
    assert (again.returncode, again.stderr) == (2, f"rotation: {first} is not held: there is nothing to release\n")


def test_a_run_that_both_stores_throttle_loses_nothing(fleet: Fleet) -> None:
    """A function's client tries twice, then the machine tries again: FindDue, which reads all documents, and whoever rotates.
    A record that FindDue could not read is said to be unknown, and is the next run's."""
    aws, function = fleet.stack.aws, fleet.stack.function
    mend_canary(fleet)
    before, began, unread = fleet.users(), time.time(), fleet.document(MORE[0])["slot_secret"]
    often = {
        ("FindDue", "ssm:GetParametersByPath"): 4,
        ("ReadSlots", "ssm:GetParameter"): 4,
        ("ClaimRotation", "secretsmanager:UpdateSecretVersionStage"): 4,
        ("LookAtTarget", "secretsmanager:DescribeSecret"): 4,
        ("FindDue", "secretsmanager:GetSecretValue"): 2,
    }
    for (state, action), times in often.items():
        service, _, call = action.partition(":")
        if service == "ssm":
            aws.throttle(Throttle(action, times, function(state)))
        else:
            aws.refuse(SecretFault(call, "ThrottlingException", times, unread if state == "FindDue" else "", function(state)))
    found = fleet.run("throttled", **EVERYTHING)
    aws.clear_faults()
    assert (found["status"], fleet.report("throttled")["counts"]) == ("SUCCEEDED", {"rotated": 2, "unknown": 1}), found
    calls = [json.loads(line) for line in fleet.stack.calls.read_text().splitlines()]
    failed = Counter((one["caller"], one["action"]) for one in calls if one["status"] == 400 and one["time"] > began)
    assert {one: failed[function(one[0]), one[1]] for one in often} == often, "each was refused, and asked again"
    found = fleet.run("not-throttled", older_than_days=(time.time() - began) / 86_400)
    assert (found["status"], fleet.outcomes("not-throttled")) == ("SUCCEEDED", {MORE[0]: "rotated"}), found
    assert fleet.users() == turned(before), "each once, whichever of the runs it was"


def mend_canary(fleet: Fleet) -> None:
    server = fleet.stack.server
    fleet.document(canary("canary"), endpoint={"host": server.host, "port": server.port, "ca": server.ca_pem})


def turned(users: dict[str, str]) -> dict[str, str]:
    """Each once."""
    return {name: {"a": "b", "b": "a"}[user] for name, user in users.items()}


def test_a_run_that_is_stopped_leaves_nothing_that_the_next_does_not_finish(fleet: Fleet) -> None:
    mend_canary(fleet)
    before, began = fleet.users(), time.time()
    arn = fleet.stack.start_fleet("stopped", at_once=1, **EVERYTHING)
    fleet.wait_for(lambda: fleet.outcomes("stopped"))
    fleet.states.stop_execution(executionArn=arn)
    fleet.wait_for(fleet.at_rest)
    assert fleet.users() != before, "its canary was rotated"
    begun = [name for name in fleet.rotations() if name.startswith("fleet-stopped-")]
    assert len(begun) < len(TARGETS)

    since = (time.time() - began) / 86_400
    found = fleet.run("again", older_than_days=since)
    assert found["status"] == "SUCCEEDED", found
    assert fleet.users() == turned(before), "each once, whichever of the runs it was"


def test_the_roles_of_the_template_allow_all_that_was_done_by_tag_too(fleet: Fleet) -> None:
    found = audit(translate(BUILD), [fleet.stack.recording()])
    assert [(one.role, one.denied) for one in found if one.denied] == []
    used = {one.role for one in found if one.requests}
    assert used >= {f"{name}Role" for name in ("FindDue", "StartTarget", "LookAtTarget", "DecideWave", "ReportFleet")}


def test_no_password_is_in_what_a_run_writes_down(fleet: Fleet) -> None:
    s3 = fleet.stack.aws.client("s3")
    listed = s3.list_objects_v2(Bucket=fleet.bucket)["Contents"]
    texts = [s3.get_object(Bucket=fleet.bucket, Key=one["Key"])["Body"].read().decode() for one in listed]
    secrets = fleet.stack.aws.client("secretsmanager")
    held = [json.loads(secrets.get_secret_value(SecretId=f"{name}/slots")["SecretString"]) for name in TARGETS]
    passwords = [record[slot]["password"] for record in held for slot in "AB"]
    assert len(texts) > 10
    assert [password for password in passwords if any(password in text for text in texts)] == []


@pytest.fixture(scope="module")
def twenty() -> Iterator[Fleet]:
    with Many(TWENTY, PACE) as stack:
        yield Fleet(stack)


@only_in_the_whole
def test_a_fifth_fails_and_it_stops_and_a_twentieth_does_not_keep_it(twenty: Fleet) -> None:
    """Four of twenty lose what their application reads: the run stops after the tenth in which the third of them failed, and who
    had no turn is untouched. Three are mended, and the next run goes on to its end, though one fails."""
    names, began = (twenty.stack.target, *twenty.stack.more), time.time()
    first = canary("a-fifth", names)
    others = [name for name in names if name != first]
    consumers = {name: twenty.document(name)["consumers"] for name in others[2:12:3]}
    for name, known in consumers.items():
        twenty.document(name, consumers=[{**known[0], "secret": f"{known[0]['secret']}-that-is-gone"}, *known[1:]])
    found = twenty.run("a-fifth", at_once=3, **EVERYTHING)
    assert found["error"] == "FleetStopped", found
    waves, bad = twenty.plan("a-fifth")["waves"], set(consumers)
    last = next(number for number in range(len(waves)) if len(bad & {one for wave in waves[: number + 1] for one in wave}) > 2)
    begun = {name for wave in waves[: last + 1] for name in wave}
    assert (waves[0], sum(map(len, waves)), last + 1 < len(waves)) == ([first], 20, True)
    assert set(twenty.rotations()) == {f"fleet-a-fifth-{name}" for name in begun}
    assert twenty.outcomes("a-fifth") == {name: "failed" if name in bad else "rotated" for name in begun}
    assert twenty.report("a-fifth")["counts"] == {"failed": 3, "rotated": len(begun) - 3, "not begun": 20 - len(begun)}

    due, since = set(names) - (begun - bad), (time.time() - began) / 86_400
    still_bad = min(bad & begun - {canary("a-twentieth", due)})
    for name in bad - {still_bad}:
        twenty.document(name, consumers=consumers[name])
    found = twenty.run("a-twentieth", at_once=3, older_than_days=since)
    assert found["error"] == "FleetUnfinished", found
    assert twenty.outcomes("a-twentieth") == {name: "failed" if name == still_bad else "rotated" for name in due}
    assert twenty.users() == {name: "a" if name == still_bad else "b" for name in names}, "each once, whichever of the runs it was"
