"""`make demo`: rotations of a running application, under load, on real servers; then one that fails and is rolled back.

Prints what happens while it happens, and in the end what an auditor would ask: which requests failed, whether every
retired password is refused, and whether a password is anywhere it should not be. Exit code 0 only if all is well.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

from local import canary
from local.faults import Fault
from local.follow import Run, Visit, follow
from local.load import Load, Results
from local.options import FAILURES, NOTHING, ROLLOUT, Options
from local.rollouts import RolloutWatch
from local.stack import ADMIN_SECRET, OVERRIDES, SLOT_SECRET, LocalStack

TRIES = 4
"""A killed function is tried this often by the machine (once and three retries): to fail a state, kill it as often."""
WAITS = {"WaitForDrain": "quiet period", "WaitForRollout": "rollout", "OverlapWindow": "overlap window"}
QUIET_LINES = ("Pass", "Choice", "Succeed", "Map")


@dataclass(frozen=True)
class Retired:
    """A login that must not work any more."""

    user: str
    password: str = field(repr=False)
    by: str


@dataclass
class Story:
    """What came of it all."""

    runs: list[Run] = field(default_factory=list)
    retired: list[Retired] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """The exit code."""
    try:
        options = Options.parse()
    except ValueError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    try:
        return demo(options)
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it had started is stopped", file=sys.stderr)
        return 130


def demo(options: Options) -> int:
    """Start, rotate, fail once, sum up."""
    began, story = time.monotonic(), Story()
    print(f"Starting AWS, EKS, EFS, Aurora and OpenEMR on this machine ({options.pods} pods)", flush=True)
    print(f"  the shipped template.yaml, built; overridden here only: {_pairs(OVERRIDES)}", flush=True)
    with LocalStack(options.pods) as stack:
        print(f"  ready after {time.monotonic() - began:.1f} s: {_pairs(stack.versions())}", flush=True)
        print(f"  {options.rate} requests/s from now on, none tried again\n", flush=True)
        with Load(stack.app.login_page, options.rate) as load, RolloutWatch(stack.app.cluster) as rollouts:
            for number in range(1, options.rotations + 1):
                _rotate(stack, story, f"demo-{number}", rollouts, outage=options.outage and number == 1)
            if options.fail != NOTHING:
                _fail(stack, story, f"demo-{options.rotations + 1}", options.fail, rollouts)
            requests = load.stop()
        _sum_up(stack, story, requests)
        took = time.monotonic() - began
    waited = sum(run.waiting for run in story.runs)
    print(f"\n{took:.0f} s in all: {waited:.0f} s of quiet periods and rollouts, {took - waited:.0f} s beyond them")
    for problem in story.problems:
        print(f"NOT WELL: {problem}")
    print("NOT WELL" if story.problems else "All is well.")
    return 1 if story.problems else 0


def _rotate(stack: LocalStack, story: Story, name: str, rollouts: RolloutWatch, *, outage: bool) -> None:
    """One that must succeed: the application ends on another password, and the old ones are refused."""
    before, admin = stack.secret(SLOT_SECRET), stack.secret(ADMIN_SECRET)
    old = before["active_slot"]
    print(f"{name}: the application uses slot {old} ({before[old]['username']})", flush=True)
    run = _show(stack, name, rollouts, on_publish=stack.app.cluster.kill_pods if outage else None)
    story.runs.append(run)
    after = stack.secret(SLOT_SECRET)
    if run.outcome != "RotationSucceeded":
        story.problems.append(f"{name} ended in {run.outcome}: {run.cause}")
        return
    if after["active_slot"] == old:
        story.problems.append(f"{name}: the application still uses slot {old}")
    retired = before[old]["username"], before[old]["password"]
    story.retired += [Retired(*retired, by=name), Retired(admin["username"], admin["password"], by=name)]


def _fail(stack: LocalStack, story: Story, name: str, state: str, rollouts: RolloutWatch) -> None:
    """One whose state is made to fail: it must end where the runbook says, the application served as before."""
    before = stack.secret(SLOT_SECRET)
    print(f"{name}: made to fail at {state}; the application uses slot {before['active_slot']}", flush=True)
    if state == ROLLOUT:
        stack.app.cluster.break_next_rollout()
    else:
        stack.aws.fail(Fault(stack.function(state), _match(state), TRIES))
    run = _show(stack, name, rollouts)
    story.runs.append(run)
    if run.outcome != FAILURES[state]:
        story.problems.append(f"{name} ended in {run.outcome} instead of {FAILURES[state]}: {run.cause}")
    if FAILURES[state] == "RolledBack":
        story.problems += [f"{name} did not restore: {what}" for what in _not_restored(stack, before)]


def _match(state: str) -> dict[str, object]:
    """Which of the function's events: only forward, and of CheckDrained's two states the one that is meant."""
    if state == "CheckStillDrained":
        return {"drain": {"status": "drained"}}
    publishing = ("WriteSqlconf", "PatchSecret", "RestartApp", "ValidateApp")
    return {"direction": "forward"} if state in publishing else {}


def _not_restored(stack: LocalStack, before: dict[str, object]) -> list[str]:
    """What is not as it was: the pointer, the file, the Secret."""
    after = stack.secret(SLOT_SECRET)
    active = before["active_slot"]
    wanted = after[str(active)]
    found = {"sqlconf.php": stack.app.sqlconf_login(), "the Kubernetes Secret": stack.app.secret_login()}
    login = (wanted["username"], wanted["password"])
    wrong = [place for place, one in found.items() if (one.username, one.password) != login]
    return (["active_slot"] if after["active_slot"] != active else []) + wrong


def _show(stack: LocalStack, name: str, rollouts: RolloutWatch, on_publish: object = None) -> Run:
    """Start it and print its states as they happen."""
    arn = stack.start_execution(name)
    run, told = Run(arn), time.monotonic()
    for run, visit in follow(stack, arn):
        if visit is None:
            told = _progress(run, told)
            continue
        if visit.state == "WriteSqlconf" and callable(on_publish):
            on_publish()
        if visit.kind not in QUIET_LINES:
            print(_line(run, visit, rollouts), flush=True)
            told = time.monotonic()
    print(f"  {run.seconds:6.1f} s  {run.outcome}: {_times(run)}", flush=True)
    if run.cause:
        print(f"            {run.cause}", flush=True)
    print(flush=True)
    return run


def _line(run: Run, visit: Visit, rollouts: RolloutWatch) -> str:
    text = f"  {(visit.left or 0) - run.began:6.1f} s  {visit.state:20} {visit.seconds:5.2f} s"
    if visit.state in WAITS:
        return f"{text}  {WAITS[visit.state]}"
    noticed = rollouts.noticed_after(visit.left or 0) if visit.state == "CheckRollout" else None
    return f"{text}  complete {noticed:.1f} s ago" if noticed is not None and noticed < visit_gap(run, visit) else text


def visit_gap(run: Run, visit: Visit) -> float:
    """How long ago the rollout that this look is about was begun: an older completion is another rollout's."""
    restarts = [one.left for one in run.visits_of("RestartApp") if one.left and one.left <= visit.entered]
    return (visit.left or 0) - restarts[-1] if restarts else 0.0


def _progress(run: Run, told: float) -> float:
    """A line for whatever takes longer than two seconds, every two seconds."""
    if time.monotonic() - told < 2:
        return told
    current = [visit for visit in run.visits if visit.left is None and visit.kind not in QUIET_LINES]
    if current:
        print(f"            … {current[-1].state}, {current[-1].seconds:.0f} s", flush=True)
    return time.monotonic()


def _times(run: Run) -> str:
    waits = {what: sum(visit.seconds for visit in run.visits_of(state)) for state, what in WAITS.items()}
    told = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in waits.items() if seconds >= 0.05)
    return f"working {run.working:.1f} s, waiting {run.waiting:.1f} s" + (f" ({told})" if told else "")


def _sum_up(stack: LocalStack, story: Story, requests: Results) -> None:
    print("Executions")
    for run in story.runs:
        print(f"  {run.arn.rsplit(':', 1)[-1]:10} {run.outcome:20} {run.seconds:5.1f} s: {_times(run)}")
    _requests(story, requests)
    print("Retired passwords, each tried again now")
    for login in story.retired:
        accepted = stack.accepts(login.user, login.password)
        print(f"  {login.user:12} retired by {login.by:10} {'STILL ACCEPTED' if accepted else 'refused'}")
        if accepted:
            story.problems.append(f"the password of {login.user} that {login.by} retired still works")
    found = canary.search(stack)
    print("Passwords searched for in history, logs, process arguments, files; raw, base64, hex, URL-encoded")
    print(f"  {len(found)} found where they should not be")
    story.problems += [f"a password leaked: {finding}" for finding in found]


def _requests(story: Story, requests: Results) -> None:
    print("Requests")
    for user, (served, failed) in requests.by_user().items():
        print(f"  {user:12} {served:6} served {failed:6} failed")
    total = len(requests.requests)
    print(f"  {'together':12} {requests.served:6} served {total - requests.served:6} failed; slowest {requests.slowest():.0f} ms")
    for failure in requests.failures[:5]:
        print(f"    failed: {failure.reason} (pod {failure.pod}, after {failure.milliseconds:.0f} ms)")
    if requests.failures:
        story.problems.append(f"{len(requests.failures)} of {total} requests failed")
    if not total:
        story.problems.append("no request was sent")


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
