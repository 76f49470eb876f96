"""Who started or stopped an execution, where its input does not say: CloudTrail knows for ninety days."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from rotation_cli.aws import Aws
from rotation_cli.evidence import UNKNOWN, Starter, starter_of
from rotation_cli.history import Run
from rotation_cli.trouble import Trouble

KEPT = timedelta(days=90)
AROUND = timedelta(minutes=2)
SCHEDULER = "scheduler.amazonaws.com"


def starters(aws: Aws, runs: Iterable[Run], now: datetime) -> tuple[dict[str, Starter], list[str]]:
    """By execution, for those that do not say themselves; and what the reader must know about who is missing."""
    unsaid = [run for run in runs if starter_of(run).kind == UNKNOWN]
    recent = [run for run in unsaid if now - run.began < KEPT]
    notes = []
    if len(recent) < len(unsaid):
        notes.append(f"{len(unsaid) - len(recent)} runs do not say who started them, and are older than CloudTrail's ninety days.")
    found: dict[str, Starter] = {}
    try:
        for run in recent:
            if (event := _event(aws, "StartExecution", run, run.began)) is not None:
                found[run.arn] = _starter(event)
    except Trouble as error:
        notes.append(f"CloudTrail was not read for {len(recent)} runs that do not say who started them: {error}")
    return found, notes


def _event(aws: Aws, name: str, run: Run, at: datetime) -> dict[str, Any] | None:
    which = [{"AttributeKey": "EventName", "AttributeValue": name}]
    for page in aws.pages("cloudtrail", "lookup_events", LookupAttributes=which, StartTime=at - AROUND, EndTime=at + AROUND):
        for event in (json.loads(one["CloudTrailEvent"]) for one in page["Events"]):
            if (event.get("responseElements") or {}).get("executionArn") == run.arn:
                return dict(event)
    return None


def _starter(event: dict[str, Any]) -> Starter:
    identity = event.get("userIdentity") or {}
    if SCHEDULER in (identity.get("invokedBy"), event.get("sourceIPAddress")):
        return Starter("schedule", "EventBridge Scheduler")
    return Starter("person", str(identity.get("arn") or identity.get("principalId") or UNKNOWN))
