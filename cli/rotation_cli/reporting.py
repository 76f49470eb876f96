"""The report: gathered from the log, and written as JSON, as a table, or as a page."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from rotation_cli import DISTRIBUTION, page
from rotation_cli.documents import run_as_json
from rotation_cli.evidence import Entry, Evidence, Found, Gap, Grounds, Window, assemble
from rotation_cli.history import Run
from rotation_cli.stack import Lines, Stack, by_hand, class_of
from rotation_cli.trail import look
from rotation_cli.trouble import Trouble
from rotation_cli.words import count, exact, shown

COLUMNS = (
    "kind", "target", "name", "mode", "began", "ended", "outcome", "urgency", "started_by", "who", "stopped_by", "reason",
    "seconds", "working_seconds", "from_slot", "to_slot", "version_found", "version_flip", "version_retire", "failed_step", "error",
    "mended_by", "mended_after_seconds", "gap_days", "allowed_days", "missed_runs",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def gather(stack: Stack, start: datetime, end: datetime, now: datetime) -> Evidence:
    """One look at the log: from as long before as a gap may have begun, to as long after as a failure may take to be mended."""
    classes = {name: class_of(text) for name, text in stack.targets().items()}
    around = timedelta(days=max(kind.overdue_days for kind in classes.values()))
    made = stack.made_at()
    lines = Lines()
    runs = stack.logged(start - around, min(end + around, now), lines=lines)
    window = Window(start, end)
    grounds = _grounds(stack, made, runs, lines, now)
    trail = look(stack.aws, [run for run in runs if window.holds(run.began)], now)
    source = f"CloudWatch log group {stack.log_group}, account {stack.caller.account}, {stack.aws.region}"
    return assemble(
        stack.name, window, now, Found(source, runs, classes, made, grounds, trail.starters, trail.stoppers, trail.notes)
    )


def _grounds(stack: Stack, made: datetime, runs: Sequence[Run], lines: Lines, now: datetime) -> Grounds:
    kept = stack.log_kept()
    since = min([made, *([kept.made] if kept.made else []), *(run.began for run in runs)])
    if kept.days:
        since = max(since, now - timedelta(days=kept.days))
    schedule = stack.schedule(now)
    on = schedule.why_not_known or ("on, " + schedule.expression if schedule.on else "off: nothing is rotated by itself")
    said = {
        "evidence from": f"{shown(since)} UTC; the state machine was made on {shown(made)} UTC",
        "retention of the log": kept.retention,
        "schedule, as it is now": on,
        "versions": f"stack {stack.version()}, command {_own_version()}",
        "who can delete the log": (
            f"whoever IAM of account {stack.caller.account} allows logs:DeleteLogGroup, logs:DeleteLogStream or"
            " logs:PutRetentionPolicy on it; CloudTrail keeps such calls"
        ),
        **_old_keys(stack),
        "digest": f"SHA-256 {lines.digest()} over {count(len(lines.messages), 'line')} of the log",
    }
    return Grounds(since, said)


def _old_keys(stack: Stack) -> dict[str, str]:
    """Of targets whose keys people make: what is still to be revoked. Nothing where there are none."""
    found = {name: stack.to_revoke(text) for name, text in stack.targets().items() if by_hand(text)}
    keys = [f"{name}: {key or 'without an id'} since {since}" for name, old in found.items() for key, since in old]
    return {"old keys to be revoked": "; ".join(keys) or "none"} if found else {}


def _own_version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"


def write(evidence: Evidence, kind: str, path: Path) -> None:
    """`kind`: html, csv or json."""
    put(path, {"html": page.render, "csv": as_csv, "json": as_json}[kind](evidence))


def put(path: Path, text: str) -> None:
    """Trouble where it cannot be."""
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Trouble(
            f"{path} cannot be written ({type(error).__name__}): name a file in a folder that is there and yours"
        ) from None


def as_json(evidence: Evidence) -> str:
    """All of it."""
    document = {
        "stack": evidence.stack,
        "from": exact(evidence.window.start),
        "to": exact(evidence.window.end),
        "made_at": exact(evidence.made_at),
        "source": evidence.source,
        "evidence_since": exact(evidence.grounds.since),
        "grounds": dict(evidence.grounds.said),
        "figures": evidence.figures(),
        "targets": [
            {"name": name, "class": kind.name, "period_days": kind.period_days, "overdue_after_days": kind.overdue_days}
            for name, kind in evidence.classes.items()
        ],
        "runs": [_entry(entry, evidence.made_at) for entry in evidence.entries],
        "gaps": [_gap(gap) for gap in evidence.gaps],
        "changed_nothing": evidence.looks,
        "notes": list(evidence.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _entry(entry: Entry, now: datetime) -> dict[str, Any]:
    told = run_as_json(entry.run, now)
    starter = {"started_by": entry.starter.kind, "who": entry.starter.who, "stopped_by": entry.stopped_by}
    return told | starter | {"follow_up": _follow_up(entry)}


def _follow_up(entry: Entry) -> dict[str, Any] | None:
    if entry.follow_up is None:
        return None
    mended = entry.follow_up.mended_by
    after = entry.follow_up.after_seconds
    return {
        "mended_by": mended.name if mended else None,
        "after_seconds": None if after is None else round(after, 3),
        "attempts": [{"name": run.name, "mode": run.mode, "outcome": run.outcome} for run in entry.follow_up.attempts],
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "target": gap.target,
        "since": exact(gap.since),
        "until": exact(gap.until),
        "days": round(gap.days, 3),
        "allowed_days": gap.allowed_days,
        "missed_runs": gap.missed,
        "attempts": [{"name": run.name, "outcome": run.outcome} for run in gap.attempts],
        "after": gap.opened_by,
        "ended_by": gap.closed_by or None,
    }


def as_csv(evidence: Evidence) -> str:
    """A line for each rotation and each gap, in the order of time."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, restval="")
    table.writeheader()
    for _, row in sorted(_rows(evidence), key=lambda one: one[0]):
        table.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


def _rows(evidence: Evidence) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for entry in evidence.entries:
        yield entry.run.began, _row(entry, evidence.made_at)
    for gap in evidence.gaps:
        days = {"gap_days": round(gap.days, 1), "allowed_days": gap.allowed_days, "missed_runs": gap.missed}
        yield gap.since, {"kind": "gap", "target": gap.target, "began": exact(gap.since), "ended": exact(gap.until), **days}


def _row(entry: Entry, now: datetime) -> dict[str, Any]:
    told = _entry(entry, now)
    run: Run = entry.run
    plain = {key: told[key] for key in COLUMNS if key in told}
    failure = run.failures[0] if run.failures else None
    follow_up = told["follow_up"] or {}
    return plain | {
        "kind": "run",
        "from_slot": run.slots[0],
        "to_slot": run.slots[1],
        "version_found": run.versions.found,
        "version_flip": " ".join(run.versions.flip),
        "version_retire": " ".join(run.versions.retire),
        "failed_step": failure.step if failure else "",
        "error": failure.error if failure else run.error,
        "mended_by": follow_up.get("mended_by"),
        "mended_after_seconds": follow_up.get("after_seconds"),
    }


def _cell(value: Any) -> Any:
    """A spreadsheet takes a text that begins so for a formula; whoever starts an execution chooses some of these texts."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return "" if value is None else value
