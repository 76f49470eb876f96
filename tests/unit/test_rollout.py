"""A rollout is complete when kubectl says so, and never before the controller has seen our change."""

from dataclasses import replace

import pytest
from rotation.core.rollout import EARLY_SECONDS, Progress, Rollout, poll_seconds, progress

DONE = Rollout(
    generation=7,
    observed_generation=7,
    replicas_wanted=3,
    replicas=3,
    updated=3,
    available=3,
    deadline_exceeded=False,
    paused=False,
    mark="r1",
)

TABLE: dict[str, tuple[Rollout, Progress]] = {
    "all new, all available": (DONE, Progress.COMPLETE),
    "scaled to nothing": (replace(DONE, replicas_wanted=0, replicas=0, updated=0, available=0), Progress.COMPLETE),
    "scaled to nothing, an old pod still ends": (replace(DONE, replicas_wanted=0, updated=0, replicas=1), Progress.WAITING),
    "more than wanted, while it is scaled down": (replace(DONE, replicas_wanted=2), Progress.COMPLETE),
    "the controller saw a later generation than we": (replace(DONE, observed_generation=8), Progress.COMPLETE),
    "not seen by the controller yet": (replace(DONE, observed_generation=6), Progress.WAITING),
    "not seen by any controller yet": (replace(DONE, generation=1, observed_generation=0), Progress.WAITING),
    "too few new ones": (replace(DONE, updated=2, available=2), Progress.WAITING),
    "none yet": (replace(DONE, replicas=0, updated=0, available=0), Progress.WAITING),
    "an old one still there": (replace(DONE, replicas=4), Progress.WAITING),
    "a new one not available": (replace(DONE, available=2), Progress.WAITING),
    "exceeded its deadline": (replace(DONE, updated=1, available=1, deadline_exceeded=True), Progress.FAILED),
    "exceeded it, and every pod is there after all": (replace(DONE, deadline_exceeded=True), Progress.FAILED),
    "paused": (replace(DONE, paused=True), Progress.PAUSED),
    "paused before it was seen": (replace(DONE, paused=True, observed_generation=6), Progress.PAUSED),
}  # fmt: skip


@pytest.mark.parametrize(("rollout", "expected"), TABLE.values(), ids=TABLE)
def test_progress_is_what_kubectl_says(rollout: Rollout, expected: Progress) -> None:
    assert progress(rollout) is expected


def test_the_failure_of_the_rollout_before_is_not_taken_for_this_ones() -> None:
    """The condition ProgressDeadlineExceeded lingers until the controller has seen the new template."""
    assert progress(replace(DONE, observed_generation=6, deadline_exceeded=True)) is Progress.WAITING


def test_a_failure_from_before_the_restart_is_not_its_own_even_when_the_controller_has_seen_it() -> None:
    """It lingers on while ReplicaSets are scaled. The API's times are whole seconds."""
    lingering = replace(DONE, updated=0, deadline_exceeded=True, exceeded_at=99.0)
    assert progress(lingering, began=100.2) is Progress.WAITING
    assert progress(replace(lingering, exceeded_at=100.0), began=100.2) is Progress.FAILED
    assert progress(replace(DONE, updated=0, deadline_exceeded=True), began=100.2) is Progress.FAILED, "no time is said"


def test_who_restarted_it_does_not_count_here() -> None:
    assert progress(replace(DONE, mark=None)) is Progress.COMPLETE


def test_it_is_looked_at_often_at_first_and_seldom_later() -> None:
    waits = [poll_seconds(waited) for waited in (0, EARLY_SECONDS - 0.1, EARLY_SECONDS, 3600)]
    assert waits == [2, 2, 13, 13]
