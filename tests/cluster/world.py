"""Rotations on a real control plane, and what people and machines do to a Deployment meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.follow import Run, Visit
from local.stack import Pace
from tests.e2e.rotations import Rotations
from tests.until import PATIENCE_SECONDS

PACE = Pace(quiet_seconds=1, progress_deadline_seconds=4, pod_seconds=0.1, rollout_deadline_seconds=120)


class World(Rotations):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.excused = 0
        self._outages: list[tuple[float, float]] = []

    def excuse(self, start: float, end: float) -> None:
        """What fails in this time fails by the Deployment's own strategy, which was said beforehand."""
        self._outages.append((start, end))

    def assert_served_since(self, start: float) -> None:
        requests = self.requests_since(start)
        assert requests.served > 0
        bad = [one for one in requests.failures if not any(began <= one.at <= ended for began, ended in self._outages)]
        self.excused += len(requests.failures) - len(bad)
        assert bad == []

    def rotate_while(self, act: Callable[[], object], after: str = "RestartApp") -> Run:
        """A run, and `act` as soon as that state was left for the first time."""
        acts = [act]

        def meanwhile(visit: Visit | None) -> None:
            if acts and visit and visit.state == after:
                acts.pop()()

        run = self.follow(self.start(), meanwhile)
        assert not acts, f"{after} was never left: {run.outcome} {run.cause}"
        return run

    def assert_next_is_clean(self) -> Run:
        """Whatever was left, the next run finishes it, and nothing is left after it."""
        self.stack.app.cluster.wait_until_rolled_out(PATIENCE_SECONDS)
        run = self.run()
        assert run.outcome == "RotationSucceeded", run.cause
        self.assert_at_rest()
        return run
