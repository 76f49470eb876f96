"""Rotations in a row, and how long they take: it measures, so make test runs it last and alone."""

import itertools
import statistics

from tests.e2e.rotations import Rotations
from tests.whole import WHOLE

ROTATIONS = 10 if WHOLE else 5
WORKING_BAR = 4.0  # seconds of a warm rotation that are neither a Wait nor a rollout
NOTICED_BAR = 3.0  # seconds from a rollout complete to the machine knowing it


def test_rotations_in_a_row(rotations: Rotations) -> None:
    """Each on a password that was never in use before, A and B in turn, what was retired refused each time."""
    used = [rotations.active]
    runs = []
    for _ in range(ROTATIONS):
        runs.append(rotations.assert_rotates())
        used.append(rotations.active)
    assert len({login.password for login in used}) == len(used)
    assert all(one.username != next_one.username for one, next_one in itertools.pairwise(used))
    warm = [run.working for run in runs[1:]]
    rotations.working += warm
    assert min(warm) <= WORKING_BAR, "the best of them, as this machine may have other things to do"
    assert statistics.median(rotations.noticed) <= NOTICED_BAR
