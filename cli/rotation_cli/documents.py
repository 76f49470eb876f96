"""What another program gets of runs and of a stack, with --json. The report has a document of its own."""

from datetime import UTC, datetime
from typing import Any

from rotation.told.failures import as_object
from rotation.told.ways import way_out

from rotation_cli.evidence import starter_of
from rotation_cli.following import SHOWN
from rotation_cli.history import Run
from rotation_cli.stack import Stack
from rotation_cli.standing import Stands
from rotation_cli.words import exact


def run_as_json(run: Run, now: datetime) -> dict[str, Any]:
    """One execution, for another program."""
    starter = starter_of(run)
    return {
        "name": run.name,
        "arn": run.arn,
        "target": run.target,
        "mode": run.mode,
        "began": exact(run.began),
        "ended": exact(run.ended) or None,
        "status": run.status,
        "outcome": run.outcome,
        "urgency": run.end.urgency.value if run.end else None,
        "started_by": starter.kind,
        "who": starter.who,
        "reason": str(run.given.get("reason") or ""),
        "scheduled_time": str(run.given.get("scheduled_time") or ""),
        "seconds": round(run.seconds(now), 3),
        "working_seconds": round(run.working(now), 3),
        "waiting_seconds": round(run.waiting(now), 3),
        "slots": {"from": run.slots[0], "to": run.slots[1]},
        "versions": {"found": run.versions.found, "flip": list(run.versions.flip), "retire": list(run.versions.retire)},
        "failures": [{"step": one.step, "error": one.error, "message": one.message} for one in run.failures],
    }


def end_as_json(run: Run, now: datetime) -> dict[str, Any]:
    """One execution with its steps, what is true now and what to do."""
    steps = [
        {
            "state": visit.state,
            "entered": exact(datetime.fromtimestamp(visit.entered, UTC)),
            "seconds": visit.seconds(now.timestamp()),
            "ended": visit.left is not None,
            "failed_tries": [{"error": one.error, "message": one.message} for one in visit.failed_tries],
        }
        for visit in run.visits
        if visit.kind in SHOWN
    ]
    end = run.end
    situation = as_object(run.payload.get("situation"))
    return run_as_json(run, now) | {
        "summary": run.sentence or None,
        "true_now": end.true if end else None,
        "what_to_do": end.do if end else None,
        "ways_out": {one.error: way_out(one.error) for one in run.failures},
        "decision": {"reason": situation.get("reason"), "plan": situation.get("plan")} if run.mode == "dry-run" else None,
        "findings": as_object(run.payload.get("verified")).get("findings"),
        "steps": steps,
    }


def status_as_json(stack: Stack, stands: Stands, now: datetime) -> dict[str, Any]:
    """How a stack stands, for another program."""
    schedule = stands.schedule
    return {
        "stack": stack.name,
        "account": stack.caller.account,
        "region": stack.aws.region,
        "at": exact(now),
        "schedule": {
            "on": None if schedule.why_not_known else schedule.on,
            "expression": schedule.expression or None,
            "next_run": exact(schedule.next_run) or None,
            "why_not_known": schedule.why_not_known or None,
        },
        "running": [run_as_json(run, now) for run in stands.running],
        "targets": [
            {
                "name": one.name,
                "class": one.kind.name,
                "last": run_as_json(one.last, now) if one.last else None,
                "renewed": exact(one.renewed) or None,
                "never_rotated": one.never,
                "due": exact(one.due) or None,
                "overdue": one.overdue,
                "open_intent": one.intent or None,
                **({"to_revoke": [{"id": key or None, "since": since} for key, since in one.to_revoke]} if one.by_hand else {}),
                "asks": [{"what": ask.what, "command": ask.command} for ask in one.asks()],
            }
            for one in stands.targets
        ],
    }


def as_document(text: str) -> Any:
    """A target document; its text, where it is none."""
    return as_object(text) or text
