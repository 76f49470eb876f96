"""Modes verify and revoke on the real stack under load."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pytest

from local.faults import Fault, SecretFault
from local.follow import Run, Visit, wait_for
from local.mysql import Login
from local.stack import ADMIN_SECRET, SLOT_SECRET
from tests.e2e.hands import Kubernetes, sql, state_of
from tests.e2e.rotations import Rotations
from tests.whole import only_with_more

OWNER = ("warning", "sqlconf.php")
EXPECTED_HERE = {("warning", "drain"), OWNER}
"""The quiet period of the local target is one second, and its file belongs to whoever runs this, until a test mends that."""

# ---- verify ----------------------------------------------------------------------------------------------------------


def findings(rotations: Rotations, run: Run) -> list[dict[str, Any]]:
    """As the console shows them: the output of the state, since a failed execution has none."""
    states = rotations.stack.aws.client("stepfunctions")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=run.arn)
    left = [event.get("stateExitedEventDetails", {}) for page in pages for event in page["events"]]
    (output,) = [json.loads(one["output"]) for one in left if one.get("name") == "Verify"]
    found: list[dict[str, Any]] = output["verified"]["findings"]
    return found


def bad(listed: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["severity"], one["what"]) for one in listed if one["severity"] != "ok"}


def state_of_everything(rotations: Rotations) -> object:
    path = rotations.stack.app.sites / "default" / "sqlconf.php"
    return (
        [state_of(rotations.stack, secret) for secret in (SLOT_SECRET, ADMIN_SECRET)],
        (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()),
        Kubernetes(rotations.stack).versions(),
    )


def test_verify_looks_at_everything_as_every_function_and_changes_nothing(rotations: Rotations) -> None:
    before = state_of_everything(rotations)
    run = rotations.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    listed = findings(rotations, run)
    assert bad(listed) | {OWNER} == EXPECTED_HERE
    assert {one["what"] for one in listed} >= {
        "slot secret",
        "sqlconf.php",
        "database",
        "Kubernetes permission",
        "health page",
        "clock",
    }
    answered = {name for one in listed for name in one["by"]}
    assert len(answered) == len(run.visits_of("ProbeFunction")) + 1
    assert state_of_everything(rotations) == before


def test_verify_lists_all_that_is_wrong_and_not_only_the_first(rotations: Rotations) -> None:
    active, _ = rotations.logins()
    path, kubernetes = rotations.stack.app.sites / "default" / "sqlconf.php", Kubernetes(rotations.stack)
    path.chmod(0o444)
    kubernetes.pause(True)
    sql(rotations.stack, "ALTER USER %s@'%%' REQUIRE NONE", active.username)
    sql(rotations.stack, "SET GLOBAL require_secure_transport = OFF")
    try:
        run = rotations.run(mode="verify")
        assert run.outcome == "PrerequisiteMissing"
        assert "Deployment openemr/openemr is paused" in run.cause
        listed = findings(rotations, run)
        assert bad(listed) == {*EXPECTED_HERE, ("failed", "deployment"), ("warning", "database TLS")}
        assert [one for one in listed if "mode 0444" in one["found"]]
    finally:
        sql(rotations.stack, "SET GLOBAL require_secure_transport = ON")
        sql(rotations.stack, "ALTER USER %s@'%%' REQUIRE SSL", active.username)
        kubernetes.pause(False)
        path.chmod(0o644)


@only_with_more
def test_verify_tells_all_that_the_functions_found_where_it_may_not_read_the_secret_itself(rotations: Rotations) -> None:
    """As on a first installation, where a role or a key is wrong."""
    verify = rotations.stack.function("Verify")
    rotations.stack.aws.refuse(SecretFault("DescribeSecret", "AccessDeniedException", caller=verify))
    try:
        run = rotations.run(mode="verify")
    finally:
        rotations.stack.aws.clear_faults()
    assert run.outcome == "PrerequisiteMissing"
    assert "last rotation: SecretDenied" in run.cause
    listed = findings(rotations, run)
    assert bad(listed) | {OWNER} == {*EXPECTED_HERE, ("failed", "last rotation")}
    answered = {name for one in listed for name in one["by"]}
    assert len(answered) == len(run.visits_of("ProbeFunction")) + 1


# ---- revoke ----------------------------------------------------------------------------------------------------------


class Intruder:
    """Somebody with a stolen credential: one session that stays, and new logins as long as they are let in."""

    def __init__(self, rotations: Rotations, login: Login) -> None:
        self._mysql, self._login = rotations.stack.app.mysql, login
        self._session = self._mysql.connect(login)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._knock)
        self.refused = False
        self._thread.start()

    def _knock(self) -> None:
        while not self._stop.wait(0.05):
            try:
                self._mysql.connect(self._login).close()
            except pymysql.MySQLError:
                self.refused = True
                return

    def is_connected(self) -> bool:
        try:
            self._session.ping(reconnect=False)
        except pymysql.MySQLError:
            return False
        return True

    def leave(self) -> None:
        self._stop.set()
        self._thread.join()
        self._session.close()


@contextmanager
def intruders(rotations: Rotations, *logins: Login) -> Iterator[list[Intruder]]:
    inside = [Intruder(rotations, login) for login in logins]
    try:
        yield inside
    finally:
        for one in inside:
            one.leave()


@pytest.fixture
def mailbox(rotations: Rotations) -> Iterator[Callable[[], list[str]]]:
    """What the topic sends."""
    sns, sqs = rotations.stack.aws.client("sns"), rotations.stack.aws.client("sqs")
    queue = sqs.create_queue(QueueName="oncall")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = rotations.stack.deployed["NoticeTopic"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    def messages() -> list[str]:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"])["Message"] for one in received]

    yield messages
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=queue)


def test_revoke_tells_people_shuts_the_intruder_out_and_the_application_never(
    rotations: Rotations, mailbox: Callable[[], list[str]]
) -> None:
    stolen = [*rotations.logins(), rotations.admin]
    with intruders(rotations, *stolen) as inside:
        run = rotations.run(mode="revoke", reason="a laptop was stolen", started_by="oncall")
        assert run.outcome == "Revoked", run.cause
        assert [one.is_connected() for one in inside] == [False, False, False]
        assert [one.refused for one in inside] == [True, True, True]
    assert not [login.username for login in stolen if rotations.accepts(login)]
    rotations.assert_at_rest()
    (text,) = mailbox()
    assert "a laptop was stolen" in text
    assert "oncall" in text


@only_with_more
def test_revoke_takes_over_a_rotation_that_is_running(rotations: Rotations) -> None:
    """The rotation is held off in its drain until it has lost the lock: how busy the machine is decides nothing."""
    stolen, stack = [*rotations.logins(), rotations.admin], rotations.stack
    started: list[str] = []
    held_off = Fault(
        stack.function("CheckDrained"),
        {"mode": "rotate"},
        times=1000,
        error={"errorType": "SourceBusy", "errorMessage": "held off by a test"},
    )

    def revoke(visit: Visit | None) -> None:
        if visit and visit.state == "FlipSlot" and not started:
            stack.aws.fail(held_off)
            started.append(rotations.start(mode="revoke", reason="a laptop was stolen"))
        elif started and stack.secret(SLOT_SECRET, stage="AWSPENDING")["rotation"]["owner"] == started[0]:
            stack.aws.clear_faults()

    assert rotations.follow(rotations.start(), revoke).outcome == "Superseded"
    run = wait_for(rotations.stack, started[0])
    assert run.outcome == "Revoked", run.cause
    assert not [login.username for login in stolen if rotations.accepts(login)]
    rotations.assert_at_rest()
