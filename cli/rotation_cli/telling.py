"""What is printed: tables and sentences for people. Nothing in it is taken for markup or for orders to the terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text
from rotation.core.findings import Finding, Severity
from rotation.told.failures import as_object
from rotation.told.history import RUNNING
from rotation.told.outcome import DONE
from rotation.told.runbook import CUT_SHORT, Urgency
from rotation.told.ways import link, way_out

from rotation_cli.deadlines import Deadlines
from rotation_cli.evidence import Entry, Evidence, Gap, of_no_target, starter_of
from rotation_cli.following import told_by
from rotation_cli.history import Run
from rotation_cli.schedule import Schedule
from rotation_cli.screen import clean, console, table
from rotation_cli.stack import Stack, class_of
from rotation_cli.standing import Standing, Stands
from rotation_cli.words import count, lasted, shown

COLOURS = {Urgency.NOTHING: "green", Urgency.LOOK: "yellow", Urgency.PAGE: "bold red"}


def tell_end(run: Run) -> None:
    """How it ended: the sentence that the console shows too, then what failed, what is true and what to do."""
    out = console()
    end = run.end
    out.print(Text(f"{run.outcome}, after {lasted(run.seconds(datetime.now(UTC)))}", style=COLOURS[end.urgency] if end else ""))
    if run.sentence:
        out.print(clean(run.sentence))
    _tell_failures(out, run)
    if end:
        out.print(f"true now:   {end.true}")
        out.print(f"what to do: {end.do}")
    _tell_findings(out, run)


def tell_run(run: Run, now: datetime) -> None:
    """All of one execution."""
    out = console()
    out.print(Text(clean(f"{run.name}: {run.mode} of {run.target}"), style="bold"))
    began = f"began {shown(run.began)} UTC, lasted {lasted(run.seconds(now))}"
    out.print(f"{began}: working {lasted(run.working(now))}, waiting {lasted(run.waiting(now))}")
    who = starter_of(run)
    reason = f"; reason: {run.given['reason']}" if run.given.get("reason") else ""
    out.print(clean(f"started by: {who.kind} ({who.who}){reason}"))
    if run.slots[1]:
        out.print(f"slots: from {run.slots[0] or 'what was in use'} to {run.slots[1]}")
    for line in told_by(run, Deadlines(None)):
        out.print(line)
    if run.status == RUNNING:
        going_on = [visit.state for visit in run.visits if visit.left is None]
        out.print(f"it is running, at {going_on[-1] if going_on else 'its beginning'}")
        return
    tell_end(run)


def _tell_findings(out: Console, run: Run) -> None:
    """What a run that only looks has found: a decision with its plan, or prerequisites."""
    if run.mode == "dry-run" and (situation := as_object(run.payload.get("situation"))):
        out.print(clean(f"decision:   {situation.get('reason')}"))
        for step in situation.get("plan") or []:
            out.print(clean(f"  {step['state']}: {step['change']}"))
    for one in as_object(run.payload.get("verified")).get("findings") or []:
        mend = f"; {one['mend']}" if one.get("mend") else ""
        out.print(clean(f"  {one.get('severity', ''):<8} {one.get('what')}: {one.get('found')}{mend}"))


def tell_findings(found: Iterable[Finding]) -> int:
    """As they come. 1 where one is bad."""
    out, worst = console(), 0
    for one in found:
        mend = f"; {one.mend}" if one.mend else ""
        out.print(clean(f"  {one.severity:<8} {one.what}: {one.found}{mend}"))
        worst = max(worst, int(one.severity in (Severity.FAILED, Severity.WARNING)))
    return worst


def _tell_failures(out: Console, run: Run) -> None:
    for failure in run.failures:
        out.print(clean(f"failed at {failure.step}: {failure.error}: {failure.message}"))
        if way := way_out(failure.error):
            out.print(f"  {way} More: {link(failure.error)}")
    if run.status in CUT_SHORT and not run.terminal and (run.error or run.cause):
        out.print(clean(f"{'stopped' if run.status == 'ABORTED' else 'ended'}: {': '.join(filter(None, (run.error, run.cause)))}"))


def tell_history(runs: Sequence[Run], now: datetime) -> None:
    """The newest first."""
    if not runs:
        console().print("no execution in the last ninety days; `rotation report` goes further back")
        return
    rows: list[list[str | Text]] = [
        [shown(run.began), run.name, run.target, run.mode, _outcome(run), lasted(run.seconds(now)), starter_of(run).kind]
        for run in runs
    ]
    table(["began (UTC)", "execution", "target", "mode", "outcome", "lasted", "started by"], rows)


def tell_status(stack: Stack, stands: Stands, now: datetime) -> None:
    """What runs by itself, what runs now, how each target stands, and what asks for somebody."""
    out = console()
    out.print(f"{stack.name}, account {stack.caller.account}, {stack.aws.region}, {shown(now)} UTC")
    out.print(clean(f"schedule: {_schedule(stands.schedule)}"))
    out.print("running:" if stands.running else "running: nothing")
    for run in stands.running:
        at = [visit.state for visit in run.visits if visit.left is None]
        what = f"{run.mode} of {run.target}, for {lasted(run.seconds(now))}, at {at[-1] if at else '…'}"
        out.print(clean(f"  {run.name}: {what}; rotation follow {run.name}"))
    out.print()
    table(["target", "class", "last result", "last renewed", "days since", "due by", "open intent"], map(_row, stands.targets))
    for name, ask in stands.asks:
        out.print(clean(f"{name}: {ask.what}: {ask.command}"), soft_wrap=True)  # a command is copied whole


def _schedule(one: Schedule) -> str:
    if one.why_not_known:
        return f"not known: {one.why_not_known}"
    if not one.on:
        return "OFF: nothing is rotated by itself (parameter ScheduleEnabled)"
    return f"on, {one.expression}, next run {shown(one.next_run) or 'not known'}{' UTC' if one.next_run else ''}; {one.what}"


def _row(one: Standing) -> list[str | Text]:
    if one.renewed is None:
        since = "never rotated" if one.never else f"more than {one.kind.overdue_days}"
    else:
        since = f"{(one.now - one.renewed).total_seconds() / 86400:.1f}"
    due = Text(f"{one.due:%Y-%m-%d}" if one.due else "now", style="bold red" if one.overdue else "")
    return [
        one.name,
        f"{one.kind.name}, {one.kind.period_days} days",
        _outcome(one.last) if one.last else "none known",
        shown(one.renewed),
        since,
        due + "  OVERDUE" if one.overdue else due,
        one.intent or "none",
    ]


def tell_targets(targets: Mapping[str, str], own: str | None) -> None:
    """Name, class and consumers of each. `own`: the stack's, which goes with it; the others were added and stay."""
    rows = []
    for name, text in targets.items():
        document = as_object(text)
        slot_secret = str(document.get("slot_secret") or f"unreadable: rotation targets check {name}")
        made_by = "not known" if own is None else "the stack" if name == own else "targets add"
        rows.append([name, made_by, class_of(text).name, slot_secret, ", ".join(_consumers(document))])
    table(["target", "made by", "class", "slot secret", "consumers"], rows)


def _consumers(document: Mapping[str, Any]) -> list[str]:
    found = document.get("consumers")
    return [str(one.get("path") or one.get("name")) for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def tell_evidence(evidence: Evidence) -> None:
    """The report, for a terminal or a mail."""
    out = console()
    _tell_grounds(out, evidence)
    _tell_figures(out, evidence)
    for name in evidence.classes:
        out.print(clean(f"{name:<16} {timeline(evidence, name)}"))
    out.print("  ● renewed   ✗ failed   · another run   _ nothing   (each group a month)\n")
    table(
        ["began (UTC)", "execution", "target", "mode", "outcome", "lasted", "working", "started by", "who"],
        [_entry_row(entry, evidence.made_at) for entry in evidence.entries],
    )
    for line in _remarks(evidence):
        out.print(clean(line))


def _tell_grounds(out: Console, evidence: Evidence) -> None:
    out.print(f"{evidence.stack}: rotations from {shown(evidence.window.start)} to {shown(evidence.window.end)} (UTC)")
    out.print(f"source: {evidence.source}")
    for what, answer in evidence.grounds.said.items():
        out.print(clean(f"{what}: {answer}"))
    out.print()


def _tell_figures(out: Console, evidence: Evidence) -> None:
    figures = evidence.figures()
    late = f"{count(evidence.missed, 'missed run')}, {count(len(evidence.gaps), 'gap')}"
    out.print(
        f"{count(figures['renewed'], 'rotation')}, {count(figures['failed'], 'failure')} ({figures['not_mended']} not mended), "
        f"{'missed runs and gaps not known' if evidence.blind else late}, {count(figures['incidents'], 'incident')}"
    )
    if blind := before_evidence(evidence):
        out.print(blind)
    if (median := figures["seconds"]["median"]) is not None:
        longest, working = figures["seconds"]["longest"], figures["working_seconds"]["median"]
        out.print(f"a rotation took {lasted(median)} (median; the longest {lasted(longest)}), of which it worked {lasted(working)}")
    out.print()


def _remarks(evidence: Evidence) -> Iterator[str]:
    for entry in evidence.failures:
        yield f"failure   {entry.run.name} {entry.run.outcome}: {failed_because(entry)}; {mended(entry)}"
    for gap in evidence.gaps:
        yield f"gap       {gap_sentence(gap)}"
    for entry in evidence.incidents:
        yield f"incident  {entry.run.name}: {entry.run.given.get('reason') or 'no reason given'}; {entry.run.outcome}"
    for mode, outcomes in evidence.looks.items():
        yield f"looked    {mode}: {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}"
    for note in evidence.notes:
        yield f"note      {note}"


def before_evidence(evidence: Evidence) -> str:
    """What cannot be said; empty where all of the window is known."""
    if not (evidence.blind or evidence.half_blind):
        return ""
    until = "any of it" if evidence.blind else "the time before"
    return (
        f"the evidence begins on {shown(evidence.grounds.since)} UTC: nothing is known of {until}, not even that nothing is missing"
    )


def timeline(evidence: Evidence, target: str) -> str:
    """A mark for each run, month by month."""
    months: dict[str, str] = {}
    moment = evidence.window.start.replace(day=1)
    while moment < evidence.window.end:
        months[f"{moment:%Y-%m}"] = ""
        moment = (moment + timedelta(days=32)).replace(day=1)
    for entry in evidence.entries:
        if entry.run.target == target:
            months[f"{entry.run.began:%Y-%m}"] += "✗" if entry.failed else "●" if entry.run.outcome in DONE else "·"
    return " ".join(marks or "_" for marks in months.values())


def failed_because(entry: Entry) -> str:
    """The step and its error, or what Step Functions says."""
    run = entry.run
    told = ", ".join(f"{one.error} at {one.step}" for one in run.failures) or run.error or run.status
    return f"{told}, stopped by {entry.stopped_by}" if entry.stopped_by else told


def mended(entry: Entry) -> str:
    """What was done about a failure."""
    found = entry.follow_up
    if of_no_target(entry.run):
        return "nothing to mend: there is no such target"
    if found is None or found.mended_by is None:
        tried = f" ({len(found.attempts)} later runs did not)" if found and found.attempts else ""
        return f"not mended{tried}"
    return f"mended by {found.mended_by.name} ({found.mended_by.outcome}) after {lasted(found.after_seconds)}"


def gap_sentence(gap: Gap) -> str:
    """What did not happen."""
    missed = "1 run was missed" if gap.missed == 1 else f"{gap.missed} runs were missed"
    tried = f", {len(gap.attempts)} did not succeed" if gap.attempts else ""
    until = f"{shown(gap.until)} ({gap.closed_by})" if gap.closed_by else f"{shown(gap.until)}, and none since"
    since = f"{gap.days:.1f} days from {shown(gap.since)} ({gap.opened_by})"
    return f"{gap.target}: {since} to {until}, allowed {gap.allowed_days}: {missed}{tried}"


def _entry_row(entry: Entry, now: datetime) -> list[str | Text]:
    run = entry.run
    times = [lasted(run.seconds(now)), lasted(run.working(now))]
    return [shown(run.began), run.name, run.target, run.mode, _outcome(run), *times, entry.starter.kind, entry.starter.who]


def _outcome(run: Run) -> Text:
    return Text(run.outcome, style=COLOURS[run.end.urgency] if run.end else "cyan")
