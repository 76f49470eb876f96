"""The stack that the tests of a session share, one after the other, under load."""

from __future__ import annotations

import time
from contextlib import ExitStack

from local.load import Load
from local.rollouts import RolloutWatch
from local.stack import LocalStack, Pace
from tests.e2e.last_looks import check, measured
from tests.e2e.lending import within
from tests.e2e.restoring import Restoring, answers
from tests.e2e.rotations import Rotations

PACE = Pace(quiet_seconds=1, progress_deadline_seconds=4, pod_seconds=0.2)
RATE = 20
MEASURING_RATE = 40
CHECKED_WITHIN = 120.0


class SharedStack:
    """`say` takes lines for the end of the session. Who measures has more requests, and looks at every rollout all the time."""

    def __init__(self, say: list[str], *, measures: bool = False) -> None:
        self._say = say
        self._stack, self._traffic = ExitStack(), ExitStack()
        stack = self._stack.enter_context(LocalStack(pods=2, pace=PACE))
        self._load = self._traffic.enter_context(Load(stack.app.login_page, MEASURING_RATE if measures else RATE))
        watch = self._traffic.enter_context(RolloutWatch(stack.app.cluster)) if measures else None
        self.rotations = Rotations(stack, self._load, watch)
        self.rotations.assert_at_rest()
        self.begin()

    def begin(self) -> None:
        self._began, self.put_back = time.time(), Restoring(self.rotations)

    def assert_well(self, *, always_served: bool) -> None:
        rotations = self.rotations
        rotations.stack.aws.clear_faults()
        rotations.stack.app.cluster.heal()
        rotations.assert_at_rest()
        if always_served:
            requests = rotations.requests_since(self._began)
            assert requests.served > 0
            assert requests.failures == []

    def close(self) -> None:
        with self._stack:
            self._traffic.close()
            self._say += measured(self.rotations, self._load.results())
            answers(self.rotations.stack)
            within(CHECKED_WITHIN, lambda: check(self.rotations.stack))
