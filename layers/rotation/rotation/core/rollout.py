"""Is a rollout complete? kubectl's rule, and two questions it does not ask: is it paused, and is it our restart?"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

ROTATION_ANNOTATION = "credential-rotation/rotation-id"
STARTED_ANNOTATION = "credential-rotation/restartedAt"
TARGET_ANNOTATION = "target.credential-rotation/{}"
"""The first two say who restarted it last. Several targets may restart one workload at once: each finds its own mark."""


class Progress(StrEnum):
    """What to do about a rollout."""

    COMPLETE = "complete"
    WAITING = "waiting"
    FAILED = "failed"
    PAUSED = "paused"


class Outage(StrEnum):
    """Why nobody serves for a while during a rollout, whoever began it: to be said after the workload's name."""

    RECREATES = "has the strategy Recreate"
    ALONE = "has one pod"
    AT_ONCE = "may replace all of its pods at once"

    @property
    def mend(self) -> str:
        """What would end that."""
        return _MENDS[self]


_MENDS = {
    Outage.RECREATES: "use RollingUpdate with maxUnavailable: 0",
    Outage.ALONE: "give it a second one, or of a DaemonSet maxSurge: 1",
    Outage.AT_ONCE: "use maxUnavailable: 1",
}


class Unfit(NamedTuple):
    """Why a restart would not replace every pod, to be said after the workload's name."""

    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.why}: {self.mend}"


@dataclass(frozen=True)
class Rollout:
    """What the API server says of a workload."""

    generation: int
    observed_generation: int
    replicas_wanted: int
    replicas: int
    updated: int
    available: int
    deadline_exceeded: bool
    paused: bool
    mark: str | None
    """The rotation of this target that restarted it last."""
    exceeded_at: float = math.inf
    """When it was found to have exceeded its deadline, in whole seconds; by default just now."""
    outage: Outage | None = None
    unfit: Unfit | None = None
    settled: bool = True
    """Whether its controller takes the new revision for the current one, where it has such revisions."""


def progress(rollout: Rollout, began: float = 0.0) -> Progress:
    """`observedGeneration` comes first: before it, every other number, and a lingering failure, is about the last rollout.

    Where an autoscaler scales at the same time, that failure lingers even after it, until the first pod has moved: one that is
    older than the rollout (`began`) is not its own.
    """
    if rollout.paused:
        return Progress.PAUSED
    if rollout.observed_generation < rollout.generation:
        return Progress.WAITING
    if rollout.deadline_exceeded and rollout.exceeded_at >= math.floor(began):
        return Progress.FAILED
    replaced = rollout.updated >= rollout.replicas_wanted and rollout.replicas <= rollout.updated
    complete = replaced and rollout.available >= rollout.updated and rollout.settled
    return Progress.COMPLETE if complete else Progress.WAITING


EARLY_SECONDS = 60
EARLY_POLL_SECONDS = 2
POLL_SECONDS = 13


def poll_seconds(waited: float) -> int:
    """How long until the next look: often while a small rollout may just finish, seldom after."""
    return EARLY_POLL_SECONDS if waited < EARLY_SECONDS else POLL_SECONDS
