"""Other executions: whether one still runs, how one ended, and starting one. Only a clear answer of Step Functions counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import OwnerUnknown
from rotation.core.model import Mode
from rotation.core.seen import Ran
from rotation.told.failures import as_object
from rotation.told.history import STATUSES, Event, read
from rotation.told.outcome import Outcome

if TYPE_CHECKING:
    from rotation.told.notice import Resume

UNSEEN_SECONDS = 300
"""DescribeExecution is eventually consistent: an execution that is not found yet counts as alive this long."""
_ALIVE = ("RUNNING", "PENDING_REDRIVE")
_CUT_SHORT = ("ABORTED", "TIMED_OUT")
_NO_SUCH = ("ExecutionDoesNotExist", "InvalidArn")
_EXISTS = "ExecutionAlreadyExists"


def execution_is_alive(arn: str, age_seconds: float) -> bool:
    """Throttled or unreachable is not dead: that raises, and the state machine asks again."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    except AWS_ERRORS as error:
        if code(error) in _NO_SUCH:
            return age_seconds < UNSEEN_SECONDS
        raise OwnerUnknown(f"Step Functions did not say whether {arn} still runs ({code(error)})") from None
    return answer["status"] in _ALIVE


def outcome_of(arn: str, default_target: str) -> Outcome:
    """How it ended; what its input leaves out is what the machine takes for it. Both answers are eventually consistent: one that
    does not know of the end yet is as good as none."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn)
        events = list(_events(arn))
    except AWS_ERRORS as error:
        raise OwnerUnknown(f"Step Functions did not say how {arn} ended ({code(error)})") from None
    if answer["status"] not in STATUSES.values() or not events or events[-1].kind not in STATUSES:
        raise OwnerUnknown(f"{arn} has ended, but Step Functions does not tell all of it yet")
    given = as_object(answer.get("input"))  # whatever somebody gave; the machine takes only an object
    return Outcome(
        arn=arn,
        status=answer["status"],
        mode=str(given.get("mode", Mode.ROTATE)),
        target=str(given.get("target", default_target)),
        started_by=str(given.get("started_by", "")),
        cause=answer.get("cause") or "",
        began=answer["startDate"].timestamp(),
        ended=events[-1].at,
        history=read(events),
    )


def start(machine_arn: str, resume: Resume) -> str:
    """Started before is as good as started: the name says which end it belongs to."""
    return _start(machine_arn, resume.name, resume.given)


def _start(machine_arn: str, name: str, given: dict[str, str]) -> str:
    try:
        client("stepfunctions").start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(given, sort_keys=True))
    except AWS_ERRORS as error:
        return "" if code(error) == _EXISTS else code(error)
    return ""


def start_surely(machine_arn: str, name: str, given: dict[str, str]) -> None:
    """Started before is as good as started. What is not known raises: the same name may be asked for again."""
    failure = _start(machine_arn, name, given)
    if failure:
        raise OwnerUnknown(f"the execution {name} could not be started ({failure})")


def has_started(machine_arn: str, resume: Resume) -> bool:
    """Whether there is an execution of that name, running or ended."""
    arn = arn_of(machine_arn, resume.name)
    try:
        client("stepfunctions").describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    except AWS_ERRORS as error:
        if code(error) in _NO_SUCH:
            return False
        raise OwnerUnknown(f"Step Functions did not say whether {arn} was started ({code(error)})") from None
    return True


def comes_to_its_end(arn: str) -> bool:
    """Whether it runs, or ended in one of its states."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    except AWS_ERRORS as error:
        if code(error) in _NO_SUCH:
            return False
        raise OwnerUnknown(f"Step Functions did not say how {arn} ended ({code(error)})") from None
    return answer["status"] not in _CUT_SHORT


def arn_of(machine_arn: str, name: str) -> str:
    """Of the execution of that name, whether or not there is one."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def execution(machine_arn: str, name: str) -> Ran | None:
    """The execution of that name; None where there is none (yet: the answer is eventually consistent)."""
    arn = arn_of(machine_arn, name)
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn)
    except AWS_ERRORS as error:
        if code(error) in _NO_SUCH:
            return None
        raise OwnerUnknown(f"Step Functions did not say how far {arn} is ({code(error)})") from None
    return Ran(arn, answer["status"] in _ALIVE, answer.get("error") or answer["status"], answer.get("cause") or "")


def _events(arn: str) -> Iterator[Event]:
    """Without data: names and times are all that is asked for."""
    pages = client("stepfunctions").get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}):
        yield from map(Event.of_history, page["events"])
