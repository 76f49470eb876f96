"""An execution while it runs: each step as it ends, and on a terminal the one that is going on."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rotation.core.errors import TargetInvalid
from rotation.kinds.target import Target, parse_target
from rotation.told.history import RUNNING, Visit

from rotation_cli.aws import NotPermitted
from rotation_cli.deadlines import Deadlines
from rotation_cli.history import PER_ITEM, Run
from rotation_cli.screen import clean, console
from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble
from rotation_cli.words import lasted

POLL_SECONDS = 1.0
LATER_SECONDS = 5.0
"""Once it has run for a minute: an overlap window is up to two days."""
PATIENCE_SECONDS = 60
"""The history is eventually consistent: an execution that was just started may not be in it. As long may no answer come at all:
AWS throttles, networks come and go, and the execution goes on all the same."""
STEPS = "{task.completed}/{task.total} steps"
PATH = (
    "ReadSlots",
    "ClaimRotation",
    "SyncUsers",
    "WriteSqlconf",
    "PatchSecret",
    "RestartApp",
    "CheckRollout",
    "ValidateApp",
    "FlipSlot",
    "CheckDrained",
    "RotateOldSlot",
    "CheckStillDrained",
    "DiscardOldPassword",
    "RotateAdmin",
    "ReleaseRotation",
)
"""The steps of a rotation that goes well, in their order: how far it is."""
SHOWN = ("Task", "Wait")
SHORTEST = 0.05  # a Wait of nothing is no step
TURNS = {
    "CloseFlip": "the new credential did not work: making sure that the flip is not recorded any more",
    "RollBack": "rolling back: the application goes back to the credential that it used",
    "AimAtOldUser": "telling those who keep every user's password of the one that was just replaced",
}
"""States that say where the run is going; they are over at once."""


def follow(stack: Stack, arn: str, quiet: bool = False) -> Run:
    """Returns the run when it has ended."""
    if quiet:
        return _watch(stack, arn, lambda _: None, lambda *_: None)
    if sys.stdout.isatty():
        return _live(stack, arn)
    return _watch(stack, arn, click.echo, lambda *_: None)


def _live(stack: Stack, arn: str) -> Run:
    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), TextColumn(STEPS), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True) as progress:
        bar = progress.add_task("starting", total=len(PATH))

        def show(run: Run, deadlines: Deadlines) -> None:
            progress.update(bar, completed=steps_done(run), description=going_on(run, deadlines))

        return _watch(stack, arn, lambda line: progress.console.print(line, soft_wrap=True), show)


def going_on(run: Run, deadlines: Deadlines) -> str:
    """What it does now, how often that failed, and until when it may take."""
    now = [visit for visit in run.visits if visit.left is None and visit.kind in SHOWN]
    if not now:
        return "…"
    tries = f", try {len(now[-1].failed_tries) + 1}" if now[-1].failed_tries else ""
    until = deadlines.of(run, now[-1])
    return f"{now[-1].state}{tries}{f', until {until:%H:%M} at the latest' if until else ''}"


def _watch(stack: Stack, arn: str, say: Callable[[str], object], show: Callable[[Run, Deadlines], None]) -> Run:
    told, polls = 0, _Polls(stack, arn)
    deadlines: Deadlines | None = None
    while True:
        run = polls.look()
        if run is not None:
            deadlines = deadlines or Deadlines(_target(stack, run))
            lines = told_by(run, deadlines)
            for line in lines[told:]:
                say(line)
            told = len(lines)
            show(run, deadlines)
            if run.status != RUNNING:
                return run
        polls.pause()


class _Polls:
    """One after the other, patient with an AWS that does not answer for a while."""

    def __init__(self, stack: Stack, arn: str) -> None:
        self._stack, self._arn = stack, arn
        self._passed = self._answered = 0.0

    def look(self) -> Run | None:
        """None while nothing is known of it, or no answer comes."""
        try:
            run = self._stack.recent_run(self._arn)
        except NotPermitted:
            raise
        except Trouble:
            if self._passed - self._answered > PATIENCE_SECONDS:
                raise
            return None
        self._answered = self._passed
        if run is None and self._passed > PATIENCE_SECONDS:
            name = self._arn.rsplit(":", 1)[-1]
            raise Trouble(f"it was started, and Step Functions does not show it yet: `rotation follow {name}` later")
        return run

    def pause(self) -> None:
        """Longer once it has run for a minute."""
        seconds = POLL_SECONDS if self._passed < PATIENCE_SECONDS else LATER_SECONDS
        time.sleep(seconds)
        self._passed += seconds


def _target(stack: Stack, run: Run) -> Target | None:
    """Where it cannot be read, or is none, the run is shown without what it says."""
    try:
        return parse_target(run.target, stack.target(run.target))
    except (Trouble, TargetInvalid):
        return None


def steps_done(run: Run) -> int:
    """How far along a rotation's path it has come; a way back does not count back."""
    done = [PATH.index(visit.state) + 1 for visit in run.visits if visit.state in PATH and visit.left is not None]
    return max(done, default=0)


def told_by(run: Run, deadlines: Deadlines) -> list[str]:
    """The lines of all that has happened so far, in the order of time: tries that failed, steps that ended, turns, long waits."""
    lines: list[tuple[float, str]] = []
    for visit in run.visits:
        for number, (failure, at) in enumerate(zip(visit.failed_tries, visit.failed_at, strict=True), 1):
            said = clean(f"try {number} failed: {failure.error}: {failure.message}")
            lines.append((at, f"{_since(run, at)}  {visit.state:<20} {said}"))
        if visit.state in TURNS:
            lines.append((visit.entered, f"{_since(run, visit.entered)}  {TURNS[visit.state]}"))
        if until := deadlines.announced(run, visit):
            lines.append((visit.entered, f"{_since(run, visit.entered)}  {until}"))
        if visit.left is not None and visit.kind in SHOWN and (line := step_line(run, visit)):
            lines.append((visit.left, line))
    return [line for _, line in sorted(lines, key=lambda one: one[0])]


def step_line(run: Run, visit: Visit) -> str:
    """When it ended, what it was, how long it took; empty for what was over at once."""
    now = datetime.now(UTC).timestamp()
    seconds = visit.seconds(now)
    if visit.kind == "Wait" and seconds < SHORTEST:
        return ""
    how = "  waiting" if visit.kind == "Wait" else "  FAILED" if visit.gave_up else ""
    what = f"{visit.state} {visit.item}".rstrip() if visit.state in PER_ITEM else visit.state
    return f"{_since(run, now if visit.left is None else visit.left)}  {what:<20} {lasted(seconds):>8}{how}"


def _since(run: Run, at: float) -> str:
    return f"{lasted(at - run.began.timestamp()):>9}"
