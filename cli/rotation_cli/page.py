"""The report as a page: one file, nothing loaded from elsewhere, no script; to be read, printed and filed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape

from rotation.told.runbook import Urgency

from rotation_cli import html, picture
from rotation_cli.evidence import Entry, Evidence, Gap
from rotation_cli.telling import before_evidence, failed_because
from rotation_cli.words import count, lasted, shown

MOST = 300
"""Characters of an error's message."""
VERDICTS = {Urgency.NOTHING: "good", Urgency.LOOK: "look", Urgency.PAGE: "bad"}


def render(evidence: Evidence) -> str:
    """The page."""
    figures = evidence.figures()
    start, last = evidence.window.start, evidence.window.end - timedelta(seconds=1)
    return html.filled(
        "report.html",
        stack=escape(evidence.stack),
        window=f"{start:%-d %B %Y} to {last:%-d %B %Y}",
        verdict="bad" if evidence.gaps or evidence.open_failures else "look" if evidence.blind else "good",
        sentence=escape(_sentence(evidence)),
        tiles="".join(_tiles(evidence)),
        timeline=picture.timeline(evidence),
        targets=_targets(evidence),
        gaps=_gaps(evidence.gaps),
        failures=_failures(evidence.failures),
        incidents=_incidents(evidence),
        runs=_runs(evidence),
        versions=_versions(evidence.entries),
        looks=_looks(evidence),
        notes=html.listed(evidence.notes),
        source=escape(evidence.source),
        grounds=html.listed([f"{what}: {answer}" for what, answer in evidence.grounds.said.items()]),
        made_at=shown(evidence.made_at),
        working=escape(_durations(figures)),
    )


def _sentence(evidence: Evidence) -> str:
    figures = evidence.figures()
    failed = f"{count(figures['failed'], 'run')} failed"
    if figures["failed"]:
        later = "mended later" if figures["failed"] == 1 else "all mended later"
        failed += f", {figures['not_mended']} not mended since" if figures["not_mended"] else f", {later}"
    if evidence.blind:
        gaps = "whether one was late is not known"
    elif figures["gaps"]:
        gaps = f"{count(figures['gaps'], 'time')} the password was older than allowed"
    else:
        gaps = "no rotation was late"
    missed = f" ({count(figures['missed'], 'run')} missed)" if figures["missed"] else ""
    said = f"{count(figures['renewed'], 'rotation')}; {failed}; {gaps}{missed}."
    unknown = before_evidence(evidence)
    return f"{said} {unknown[:1].upper()}{unknown[1:]}." if unknown else said


def _tiles(evidence: Evidence) -> Iterable[str]:
    figures = evidence.figures()
    yield html.tile(
        figures["renewed"], "rotations: every password replaced, the old ones refused", "good" if figures["renewed"] else "bad"
    )
    state = "bad" if figures["not_mended"] else "look" if figures["failed"] else "good"
    yield html.tile(figures["failed"], f"failures, of which {figures['not_mended']} not mended", state)
    since = f" since {shown(evidence.grounds.since)} UTC" if evidence.half_blind else ""
    late = "look" if evidence.blind else "bad" if figures["missed"] else "good"
    yield html.tile(figures["missed"], f"missed runs{since}", late)
    yield html.tile(figures["incidents"], "incidents (mode revoke)", "look" if figures["incidents"] else "good")


def _targets(evidence: Evidence) -> str:
    rows = []
    for name, kind in evidence.classes.items():
        own = [entry.run for entry in evidence.rotations if entry.run.target == name]
        last = max((run.ended for run in own if run.ended), default=None)
        longest = max((gap.days for gap in evidence.gaps if gap.target == name), default=None)
        late = f"{longest:.1f} days" if longest else "none"
        rows.append(
            [escape(name), f"{escape(kind.name)}: every {kind.period_days} days", str(len(own)), shown(last) or "none", late]
        )
    return html.table(["target", "class", "rotations", "the last (UTC)", "longest gap"], rows)


def _gaps(gaps: Sequence[Gap]) -> str:
    rows = [
        [
            escape(gap.target),
            _when(gap.since, gap.opened_by),
            _when(gap.until, gap.closed_by or "none since"),
            f'<time>{gap.days:.1f} days</time><small class="line">allowed: {gap.allowed_days}</small>',
            f'<span class="bad">{gap.missed}</span>' if gap.missed else "0",
            ", ".join(escape(f"{run.name} ({run.outcome})") for run in gap.attempts) or "none",
        ]
        for gap in gaps
    ]
    return (
        html.table(["target", "from (UTC)", "to (UTC)", "how long", "missed runs", "runs in it that did not succeed"], rows)
        or html.none()
    )


def _failures(entries: Sequence[Entry]) -> str:
    rows = [
        [
            _when(entry.run.began, entry.run.name),
            _outcome(entry) + html.small(entry.run.end.true if entry.run.end else ""),
            escape(failed_because(entry)) + html.small("; ".join(one.message[:MOST] for one in entry.run.failures)),
            _mended(entry),
        ]
        for entry in entries
    ]
    return html.table(["began (UTC), execution", "how it ended, and what was true then", "why", "follow-up"], rows) or html.none()


def _mended(entry: Entry) -> str:
    found = entry.follow_up
    if found is None or found.mended_by is None:
        return '<span class="bad">not mended</span>' + (
            f"<small>{len(found.attempts)} later runs did not</small>" if found and found.attempts else ""
        )
    run = found.mended_by
    told = f"by {run.name} ({run.outcome}), ended {shown(run.ended)} UTC"
    return f'<span class="good">mended after {lasted(found.after_seconds)}</span><small>{escape(told)}</small>'


def _incidents(evidence: Evidence) -> str:
    rows = [
        [
            _when(entry.run.began, entry.run.name),
            escape(str(entry.run.given.get("reason") or "none given")),
            escape(entry.starter.who),
            _outcome(entry),
        ]
        for entry in evidence.incidents
    ]
    return html.table(["began (UTC), execution", "reason", "who", "how it ended"], rows) or html.none()


def _runs(evidence: Evidence) -> str:
    now = evidence.made_at
    rows = [
        [
            _when(entry.run.began, entry.run.name),
            f"{escape(entry.run.target)}<small>{escape(entry.run.mode)}</small>",
            _outcome(entry),
            f"{escape(entry.starter.kind)}<small>{escape(entry.starter.who)}</small>",
            escape(str(entry.run.given.get("reason") or "")),
            lasted(entry.run.seconds(now)) + f'<small class="line">working {lasted(entry.run.working(now))}</small>',
        ]
        for entry in evidence.entries
    ]
    return (
        html.table(["began (UTC), execution", "target, mode", "how it ended", "started by", "reason", "lasted"], rows)
        or html.none()
    )


def _versions(entries: Sequence[Entry]) -> str:
    rows = [
        [escape(run.name), escape(" → ".join(filter(None, run.slots)))]
        + [_codes(versions) for versions in ((run.versions.found,), run.versions.flip, run.versions.retire)]
        for run in (entry.run for entry in entries)
        if run.versions.found
    ]
    head = ["run", "slot", "current when it began", "its intent", "with the old slot's new password"]
    return html.table(head, rows) or html.none()


def _codes(versions: Iterable[str]) -> str:
    return "<br>".join(f"<code>{escape(version)}</code>" for version in versions)


def _looks(evidence: Evidence) -> str:
    rows = [
        [escape(mode), escape(outcome), str(count)]
        for mode, outcomes in evidence.looks.items()
        for outcome, count in outcomes.items()
    ]
    return html.table(["mode", "how it ended", "how often"], rows) or html.none()


def _durations(figures: dict[str, dict[str, float | None]]) -> str:
    median, longest, working = figures["seconds"]["median"], figures["seconds"]["longest"], figures["working_seconds"]["median"]
    if median is None:
        return "No rotation, so no duration."
    took = f"A rotation took {lasted(median)} (median; the longest {lasted(longest)})"
    return f"{took}, of which it worked {lasted(working)} and otherwise waited on purpose."


def _when(moment: datetime, name: str) -> str:
    return f"<time>{shown(moment)}</time>{html.small(name)}"


def _outcome(entry: Entry) -> str:
    state = VERDICTS[entry.run.end.urgency] if entry.run.end else ""
    return f'<span class="{state}">{escape(entry.run.outcome)}</span>'
