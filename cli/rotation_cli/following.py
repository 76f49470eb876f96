"""An execution while it runs: each step as it ends, and on a terminal the one that is going on."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rotation.told.history import RUNNING, Visit

from rotation_cli.aws import NotPermitted
from rotation_cli.history import Run
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


def follow(stack: Stack, arn: str) -> Run:
    """Returns the run when it has ended."""
    return _live(stack, arn) if sys.stdout.isatty() else _watch(stack, arn, click.echo, lambda _: None)


def _live(stack: Stack, arn: str) -> Run:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn(STEPS), TimeElapsedColumn())
    with Progress(*columns, console=Console(highlight=False, markup=False), transient=True) as progress:
        bar = progress.add_task("starting", total=len(PATH))

        def show(run: Run) -> None:
            going_on = [visit.state for visit in run.visits if visit.left is None and visit.kind in SHOWN]
            progress.update(bar, completed=steps_done(run), description=going_on[-1] if going_on else "…")

        return _watch(stack, arn, progress.console.print, show)


def _watch(stack: Stack, arn: str, say: Callable[[str], object], show: Callable[[Run], None]) -> Run:
    told, passed, answered = 0, 0.0, 0.0
    while True:
        run = None
        try:
            run = stack.recent_run(arn)
            answered = passed
        except NotPermitted:
            raise
        except Trouble:
            if passed - answered > PATIENCE_SECONDS:
                raise
        if run is None and answered == passed > PATIENCE_SECONDS:
            raise Trouble(
                f"it was started, and Step Functions does not show it yet: `rotation explain {arn.rsplit(':', 1)[-1]}` later"
            )
        if run is not None:
            told = _tell(run, told, say)
            show(run)
            if run.status != RUNNING:
                return run
        pause = POLL_SECONDS if passed < PATIENCE_SECONDS else LATER_SECONDS
        time.sleep(pause)
        passed += pause


def steps_done(run: Run) -> int:
    """How far along a rotation's path it has come; a way back does not count back."""
    done = [PATH.index(visit.state) + 1 for visit in run.visits if visit.state in PATH and visit.left is not None]
    return max(done, default=0)


def _tell(run: Run, told: int, say: Callable[[str], object]) -> int:
    """The lines of the steps that have ended since; how many have in all."""
    ended = sorted(
        (visit for visit in run.visits if visit.left is not None and visit.kind in SHOWN), key=lambda one: one.left or one.entered
    )
    for visit in ended[told:]:
        if line := step_line(run, visit):
            say(line)
    return len(ended)


def step_line(run: Run, visit: Visit) -> str:
    """When it ended, what it was, how long it took; empty for what was over at once."""
    now = datetime.now(UTC)
    seconds = visit.seconds(now.timestamp())
    if visit.kind == "Wait" and seconds < SHORTEST:
        return ""
    ended = now if visit.left is None else datetime.fromtimestamp(visit.left, UTC)
    since = (ended - run.began).total_seconds()
    return f"{lasted(since):>9}  {visit.state:<20} {lasted(seconds):>8}{'  waiting' if visit.kind == 'Wait' else ''}"
