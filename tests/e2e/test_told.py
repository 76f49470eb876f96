"""The function behind the rule, on the real stack: what it asks of AWS when an execution has left something to be finished."""

from __future__ import annotations

import json
from typing import Any

from local.faults import Fault
from local.follow import Run, wait_for
from local.stack import SLOT_SECRET
from tests.e2e.rotations import Rotations


def deliver(rotations: Rotations, run: Run, status: str) -> dict[str, Any]:
    """As EventBridge does; the event holds no more than that."""
    event = {"detail": {"executionArn": run.arn, "stateMachineArn": rotations.stack.machine_arn, "status": status}}
    name = rotations.stack.deployed["TellOutcomeFunction"]
    answer = rotations.stack.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    payload = answer["Payload"].read().decode()
    assert "FunctionError" not in answer, payload
    told: dict[str, Any] = json.loads(payload)
    return told


def test_what_a_failed_rotation_left_is_finished_by_the_resume_that_follows(rotations: Rotations) -> None:
    before = rotations.active
    error = {"errorType": "SourceRejected", "errorMessage": "ordered by a test"}
    rotations.stack.aws.fail(Fault(rotations.stack.function("RotateOldSlot"), error=error))
    run = rotations.run()
    assert run.outcome == "OldSlotNotRotated", run.cause
    assert rotations.pending() == [SLOT_SECRET]
    assert deliver(rotations, run, "FAILED")["told"]
    resume = wait_for(rotations.stack, run.arn.replace(run.arn.split(":")[-1], f"resume-{run.arn.split(':')[-1]}"))
    assert resume.outcome == "RotationSucceeded", resume.cause
    assert not rotations.accepts(before)
    rotations.assert_at_rest()
