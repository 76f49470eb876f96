"""An execution while it runs: each step as it ends, and on a terminal the one that is going on."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rotation_cli.history import RUNNING, Run, Visit
from rotation_cli.stack import Stack
from rotation_cli.words import lasted

POLL_SECONDS = 1.0
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
    if sys.stdout.isatty():
        return _live(stack, arn)
    told = 0
    while True:
        run = stack.run(arn)
        told = _tell(run, told, click.echo)
        if run.status != RUNNING:
            return run
        time.sleep(POLL_SECONDS)


def _live(stack: Stack, arn: str) -> Run:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(highlight=False), transient=True) as progress:
        bar, told = progress.add_task("starting", total=len(PATH)), 0
        while True:
            run = stack.run(arn)
            told = _tell(run, told, progress.console.print)
            going_on = [visit.state for visit in run.visits if visit.left is None and visit.kind in SHOWN]
            progress.update(bar, completed=steps_done(run), description=going_on[-1] if going_on else "…")
            if run.status != RUNNING:
                return run
            time.sleep(POLL_SECONDS)


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
    seconds = visit.seconds(now)
    if visit.kind == "Wait" and seconds < SHORTEST:
        return ""
    since = ((visit.left or now) - run.began).total_seconds()
    return f"{lasted(since):>9}  {visit.state:<20} {lasted(seconds):>8}{'  waiting' if visit.kind == 'Wait' else ''}"
