"""Rotations in a row of a Swarm's services: in each somebody else changes a service while it is cut over, and that change stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.follow import Run, follow, lasted
from local.row import Row
from local.swarm.stack import WEB, Services


@dataclass
class Meddled(Row):
    """What came of it, as it happens."""

    stack: Services

    def _followed(self, arn: str, name: str) -> Run:
        left: dict[str, Callable[[], object]] = {"CutOverService": lambda: self.stack.label(name)}
        run = Run(arn)
        for run, visit in follow(self.stack, arn):  # noqa: B007 - the last one is what is looked for
            if visit and (act := left.pop(visit.state, None)):
                act()
            self._progress(name)
        self.problems += [f"{name}: {state} was not reached" for state in left]
        with self.stack.swarm.client() as client:
            kept = client.services.get(WEB.name).attrs["Spec"]["Labels"].get("changed-by")
        if kept != name:
            self.problems.append(f"{name}: somebody else's change is gone: {kept}")
        self.tell(f"{name}: to the cutover {work_to_cutover(run):.1f} s")
        return run


def work_to_cutover(run: Run) -> float:
    """Seconds from the first new file to the last service on the new login, without those in which the Swarm was at work."""
    states = [visit for visit in run.visits if visit.state in ("CreateSwarmSecret", "WaitForCutover")]
    began, ended = min(visit.entered for visit in states), max(visit.left or visit.entered for visit in states)
    waits = (lasted(visit) for visit in run.visits if visit.kind == "Wait" and began <= visit.entered <= ended)
    return ended - began - sum(waits)
