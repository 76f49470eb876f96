"""What the demo prints: each state as it ends, and in the end the facts of the report."""

from __future__ import annotations

import time
from collections.abc import Mapping

from local.follow import Run, Visit, lasted
from local.load import Results
from local.report import WAITS, Lane, Report, waits
from local.rollouts import RolloutWatch

QUIET_LINES = ("Pass", "Choice", "Succeed", "Map")
SILENCE_SECONDS = 2


class Teller:
    """Of one execution; says something at least every other second."""

    def __init__(self, rollouts: RolloutWatch | None) -> None:
        self._rollouts = rollouts
        self._told = time.monotonic()

    def tell(self, run: Run, visit: Visit | None) -> None:
        """A visit that has ended; None: nothing has, since the last call."""
        if visit is None:
            self._progress(run)
        elif visit.kind not in QUIET_LINES:
            self._say(self._line(run, visit))

    def end(self, run: Run) -> None:
        self._say(f"  {run.seconds:6.1f} s  {run.outcome}: {_times(run)}")
        said = run.summary or run.cause
        self._say(f"            {said}\n" if said else "")

    def _line(self, run: Run, visit: Visit) -> str:
        text = f"  {(visit.left or 0) - run.began:6.1f} s  {visit.state:20} {lasted(visit):5.2f} s"
        if visit.state in WAITS:
            return f"{text}  {WAITS[visit.state]}"
        noticed = self._rollouts.noticed_after(visit.left or 0) if self._rollouts and visit.state == "CheckRollout" else None
        return f"{text}  complete {noticed:.1f} s ago" if noticed is not None and noticed < _since_restart(run, visit) else text

    def _progress(self, run: Run) -> None:
        if time.monotonic() - self._told < SILENCE_SECONDS:
            return
        self._told = time.monotonic()
        current = [visit for visit in run.visits if visit.left is None and visit.kind not in QUIET_LINES]
        if current:
            self._say(f"            … {current[-1].state}, {lasted(current[-1]):.0f} s")

    def _say(self, text: str) -> None:
        print(text, flush=True)
        self._told = time.monotonic()


def tell(report: Report) -> None:
    """What an auditor would ask."""
    print("Executions")
    for chapter in report.chapters:
        print(f"  {chapter.name:10} {chapter.run.outcome:20} {chapter.run.seconds:5.1f} s: {_times(chapter.run)}")
    _requests(report.requests)
    for lane in report.lanes:
        _lane(lane)
    print(f"Retired {report.called}s, each tried again now")
    for login in report.retired:
        print(f"  {login.user:12} retired by {login.by:10} {'refused' if login.refused else 'STILL ACCEPTED'}")
    print(f"{report.called.capitalize()}s searched for in {report.searched}")
    print(f"  {len(report.leaks)} found where they should not be")
    beyond = report.seconds - report.waiting
    print(f"\n{report.seconds:.0f} s in all: {report.waiting:.0f} s of waiting on purpose, {beyond:.0f} s beyond them")


def _lane(lane: Lane) -> None:
    requests = lane.requests
    figures = (
        f"{requests.rate:5.1f}/s {requests.served:6} served {len(requests.failures):6} failed; slowest {requests.slowest():.0f} ms"
    )
    print(f"  {lane.name:10} {figures} ({lane.does})")


def pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _requests(requests: Results) -> None:
    print("Requests")
    for user, (served, failed) in requests.by_user().items():
        print(f"  {user:12} {served:6} served {failed:6} failed")
    failures, slowest = requests.failures, requests.slowest()
    print(f"  {'together':12} {requests.served:6} served {len(failures):6} failed; slowest {slowest:.0f} ms")
    for failure in failures[:5]:
        print(f"    failed: {failure.reason} (pod {failure.pod}, after {failure.milliseconds:.0f} ms)")


def _since_restart(run: Run, visit: Visit) -> float:
    """How long ago the rollout that this look is about was begun: an older completion is another rollout's."""
    restarts = [one.left for one in run.visits_of("RestartApp") if one.left and one.left <= visit.entered]
    return (visit.left or 0) - restarts[-1] if restarts else 0.0


def _times(run: Run) -> str:
    told = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in waits(run).items())
    return f"working {run.working:.1f} s, waiting {run.waiting:.1f} s" + (f" ({told})" if told else "")
