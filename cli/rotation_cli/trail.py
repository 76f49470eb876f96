"""Who started an execution, where its input does not say, and who stopped it: CloudTrail knows for ninety days."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rotation_cli.aws import Aws
from rotation_cli.evidence import UNKNOWN, Starter, starter_of
from rotation_cli.history import Run
from rotation_cli.trouble import Trouble
from rotation_cli.words import count

KEPT = timedelta(days=90)
AROUND = timedelta(minutes=2)
SCHEDULER = "scheduler.amazonaws.com"


@dataclass
class Trail:
    """What it said, by the execution's ARN; and what a reader must know about what is missing."""

    starters: dict[str, Starter] = field(default_factory=dict)
    stoppers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def look(aws: Aws, runs: Sequence[Run], now: datetime) -> Trail:
    """Asked once for each run that does not say, or was stopped."""
    trail = Trail()
    unsaid = [run for run in runs if starter_of(run).kind == UNKNOWN]
    stopped = [run for run in runs if run.status == "ABORTED"]
    if old := len({run.arn for run in (*unsaid, *stopped) if now - run.began >= KEPT}):
        trail.notes.append(f"CloudTrail knows ninety days: who started or stopped {count(old, 'older run')} is not known.")
    try:
        for run in (one for one in unsaid if now - one.began < KEPT):
            if event := _event(aws, "StartExecution", run, run.began):
                trail.starters[run.arn] = _starter(event)
        for run in (one for one in stopped if now - one.began < KEPT):
            if event := _event(aws, "StopExecution", run, run.ended or now):
                trail.stoppers[run.arn] = _starter(event).who
    except Trouble as error:
        trail.notes.append(f"CloudTrail did not say who started or stopped some runs: {error}")
    return trail


def _event(aws: Aws, name: str, run: Run, at: datetime) -> dict[str, Any] | None:
    which = [{"AttributeKey": "EventName", "AttributeValue": name}]
    times = {"StartTime": at - AROUND, "EndTime": at + AROUND}
    for page in aws.pages("cloudtrail", "lookup_events", LookupAttributes=which, **times):
        for event in (json.loads(one["CloudTrailEvent"]) for one in page["Events"]):
            told = (event.get("responseElements") or {}) | (event.get("requestParameters") or {})
            if told.get("executionArn") == run.arn:
                return dict(event)
    return None


def _starter(event: dict[str, Any]) -> Starter:
    identity = event.get("userIdentity") or {}
    if SCHEDULER in (identity.get("invokedBy"), event.get("sourceIPAddress")):
        return Starter("schedule", "EventBridge Scheduler")
    return Starter("person", str(identity.get("arn") or identity.get("principalId") or UNKNOWN))
