"""Failures on purpose, each followed by a test that must not feel it: run by test_one_failure.py, and by nobody else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from local.faults import Fault
from local.follow import Visit
from local.leftovers import MARK, marked
from local.mysql import Login
from tests.e2e.hands import Kubernetes, document, made_up, put_admin, put_target, set_password, sql
from tests.e2e.rotations import Rotations


class OnPurposeError(Exception):
    pass


def rotates(rotations: Rotations) -> None:
    rotations.assert_at_rest()
    rotations.assert_rotates()


def test_fails_with_a_rotation_in_flight_and_much_that_is_wrong(rotations: Rotations) -> None:
    stack = rotations.stack
    stack.aws.fail(
        Fault(stack.function("ReleaseRotation"), times=1000, error={"errorType": "ClusterRefused", "errorMessage": "made up"})
    )
    stack.app.cluster.break_next_rollout()
    put_target(stack, "left-behind", document(stack))
    sql(stack, "SET GLOBAL read_only = ON")
    put_admin(rotations, made_up())
    set_password(stack, Login(rotations.logins()[1].username, made_up()))
    (stack.app.sites / "default" / "sqlconf.php.new").write_text("left behind")

    def fail(visit: Visit | None) -> None:
        if visit and visit.state == "ClaimRotation":
            Kubernetes(stack).pause(True)
            raise OnPurposeError

    rotations.follow(rotations.start(), fail)


def test_a_rotation_after_that(rotations: Rotations) -> None:
    rotates(rotations)


def test_fails_as_requests_fail(rotations: Rotations) -> None:
    """Nothing but the fixture says so, when the test is over."""
    rotations.stack.app.cluster.kill_pods()


def test_a_rotation_after_an_outage(rotations: Rotations) -> None:
    rotates(rotations)


def test_fails_with_a_stopped_process(rotations: Rotations) -> None:
    for pid in marked(rotations.stack._run.environment[MARK]):
        if b"mysqld" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGSTOP)
    raise OnPurposeError


def test_a_rotation_on_a_new_stack(rotations: Rotations) -> None:
    rotates(rotations)
