"""`make demo`: rotations of a running application, under load, on real servers; then one that fails and is rolled back.

Prints what happens while it happens, and in the end what an auditor would ask: which requests failed, whether every
retired password is refused, and whether a password is anywhere it should not be; the same as a page to look at.
Exit code 0 only if all is well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local import canary, standins
from local.ending import finish
from local.follow import Run, follow
from local.load import Load, Results
from local.options import FAILURES, NOTHING, PLATFORM, Options, command
from local.report import Chapter, Report, Retired
from local.rollouts import RolloutWatch
from local.running import OVERRIDES, Running
from local.services import demo as platform
from local.shows import SHOWS, Show
from local.telling import Teller, pairs


@dataclass(frozen=True)
class Old:
    """A login that must not work any more."""

    user: str
    password: str = field(repr=False)
    by: str


@dataclass
class Story:
    """What came of it, as it happens."""

    show: Show
    rollouts: RolloutWatch | None
    chapters: list[Chapter] = field(default_factory=list)
    old: list[Old] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def stack(self) -> Running:
        return self.show.stack


def main() -> int:
    """The exit code."""
    return command("demo", Options.parse, lambda options: platform.demo(options) if options.app == PLATFORM else demo(options))


def demo(options: Options) -> int:
    """Start, rotate, fail once, sum up."""
    began, show = time.monotonic(), SHOWS[options.app](options)
    print(f"Starting {show.starts}", flush=True)
    print(f"  the shipped template.yaml, built; overridden here only: {pairs(OVERRIDES)}", flush=True)
    with show.stack as stack:
        print(f"  ready after {time.monotonic() - began:.1f} s: {pairs(stack.versions())}", flush=True)
        print(f"  {options.rate} requests/s from now on, none tried again\n", flush=True)
        with Load(stack.page, options.rate, marker=show.marker) as load, show.watch() as rollouts:
            story = Story(show, rollouts)
            for number in range(1, options.rotations + 1):
                _rotate(story, f"demo-{number}", outage=options.outage and number == 1)
            if options.fail != NOTHING:
                _fail(story, f"demo-{options.rotations + 1}", options.fail, FAILURES[options.app][options.fail])
            time.sleep(show.settles)
            requests = load.stop()
        report = _examine(story, requests, options, began)
        return finish(stack, report, options)


def _rotate(story: Story, name: str, *, outage: bool) -> None:
    """One that must succeed: the application ends on another password, and the old ones are refused."""
    stack = story.stack
    before, admin = stack.secret(stack.slot_secret), stack.secret(stack.admin_secret)
    old, user = before["active_slot"], _active_user(before)
    print(f"{name}: the application uses slot {old} ({user})", flush=True)
    run = _follow(story, name, on_moved=story.show.outage if outage else story.show.change)
    after = stack.secret(stack.slot_secret)
    story.chapters.append(Chapter(run, "RotationSucceeded", user, _active_user(after)))
    if run.outcome != "RotationSucceeded":
        story.problems.append(f"{name} ended in {run.outcome}: {run.cause}")
        return
    if after["active_slot"] == old:
        story.problems.append(f"{name}: the application still uses slot {old}")
    story.old += [Old(one["username"], one["password"], by=name) for one in (before[old], admin)]


def _fail(story: Story, name: str, state: str, expected: str) -> None:
    """One whose state is made to fail: it must end where the runbook says, the application served as before."""
    stack, before = story.stack, story.stack.secret(story.stack.slot_secret)
    print(f"{name}: made to fail at {state}; the application uses slot {before['active_slot']}", flush=True)
    story.show.break_state(state)
    run = _follow(story, name)
    after = stack.secret(stack.slot_secret)
    story.chapters.append(Chapter(run, expected, _active_user(before), _active_user(after), made_to_fail=state))
    if run.outcome != expected:
        story.problems.append(f"{name} ended in {run.outcome} instead of {expected}: {run.cause}")
    if expected == "RolledBack":
        story.problems += [f"{name} did not restore: {what}" for what in _not_restored(stack, before)]


def _not_restored(stack: Running, before: dict[str, Any]) -> list[str]:
    """What is not as it was: the pointer, and each place that the application reads its login from."""
    after = stack.secret(stack.slot_secret)
    active = before["active_slot"]
    wanted = after[active]
    login = (wanted["username"], wanted["password"])
    wrong = [place for place, one in stack.held().items() if (one.username, one.password) != login]
    return (["active_slot"] if after["active_slot"] != active else []) + wrong


def _active_user(slots: dict[str, Any]) -> str:
    user: str = slots[slots["active_slot"]]["username"]
    return user


def _follow(story: Story, name: str, on_moved: Callable[[], object] | None = None) -> Run:
    """Start it and print its states as they happen."""
    arn = story.stack.start_execution(name)
    run, teller = Run(arn), Teller(story.rollouts)
    for run, visit in follow(story.stack, arn):
        if on_moved and visit and visit.state == story.show.moves:
            on_moved()
            on_moved = None  # a state may be entered more than once
        teller.tell(run, visit)
    teller.end(run)
    return run


def _examine(story: Story, requests: Results, options: Options, began: float) -> Report:
    """What can be asked only while the servers are still there."""
    retired = [Retired(old.user, old.by, refused=not story.stack.accepts(old.user, old.password)) for old in story.old]
    leaks = [str(finding) for finding in canary.search(story.stack)]
    problems = [*story.problems, *_failed(requests)]
    problems += [f"the password of {one.user} that {one.by} retired still works" for one in retired if not one.refused]
    problems += [f"a password leaked: {finding}" for finding in leaks]
    setup = {**story.show.setup, "requests per second": str(options.rate), **story.stack.versions()}
    differs = {**standins.told(options.app), **OVERRIDES}
    seconds = time.monotonic() - began
    return Report(story.chapters, requests, retired, leaks, problems, setup, differs, seconds, story.show.searched)


def _failed(requests: Results) -> list[str]:
    if not requests.requests:
        return ["no request was sent"]
    failed = len(requests.failures)
    return [f"{failed} of {len(requests.requests)} requests failed"] if failed else []


if __name__ == "__main__":
    sys.exit(main())
