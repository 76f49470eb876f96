"""The sorts of workloads that can be restarted: where each is, and what the API server's answer says of its rollout. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from rotation.core.rollout import Outage, Rollout, Unfit

Object = dict[str, Any]
DEPLOYMENT = "Deployment"


class Sort(NamedTuple):
    """What Kubernetes has of its own for each."""

    resource: str
    """As the API's paths and a Role call it."""
    rollout: Callable[[Object, str | None], Rollout]
    """Of what was found, and whose mark it carries."""


def deployment(found: Object, mark: str | None) -> Rollout:
    spec, status = found["spec"], found.get("status") or {}
    exceeded = _exceeded(status)
    return Rollout(
        generation=found["metadata"].get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        replicas_wanted=spec.get("replicas", 1),
        replicas=status.get("replicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        available=status.get("availableReplicas") or 0,
        deadline_exceeded=exceeded is not None,
        paused=bool(spec.get("paused")),
        mark=mark,
        exceeded_at=math.inf if exceeded is None else _seconds(exceeded.get("lastUpdateTime")),
        outage=Outage.RECREATES if (spec.get("strategy") or {}).get("type") == "Recreate" else None,
    )


def stateful_set(found: Object, mark: str | None) -> Rollout:
    """It has no deadline. Its revisions say that its controller has ended. An API server that does not know `availableReplicas`
    leaves it out; any other says it, zero included."""
    spec, status = found["spec"], found.get("status") or {}
    rolling = _rolling(spec)
    wanted: int = spec.get("replicas", 1)
    ready = status.get("readyReplicas") or 0
    return Rollout(
        generation=found["metadata"].get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        replicas_wanted=wanted,
        replicas=status.get("replicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        available=min(ready, status.get("availableReplicas", ready)),
        deadline_exceeded=False,
        paused=False,
        mark=mark,
        outage=_outage(wanted, max(1, math.floor(_share(rolling.get("maxUnavailable", 1), wanted)))),
        unfit=_by_hand(spec) or _partition(rolling.get("partition") or 0),
        settled=status.get("currentRevision") == status.get("updateRevision"),
    )


def daemon_set(found: Object, mark: str | None) -> Rollout:
    """It has no deadline. How many pods it wants its controller knows: one for each node that it may run on."""
    spec, status = found["spec"], found.get("status") or {}
    rolling = _rolling(spec)
    wanted: int = status.get("desiredNumberScheduled") or 0
    surges = _share(rolling.get("maxSurge") or 0, wanted) > 0
    return Rollout(
        generation=found["metadata"].get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        replicas_wanted=wanted,
        replicas=status.get("currentNumberScheduled") or 0,
        updated=status.get("updatedNumberScheduled") or 0,
        available=status.get("numberAvailable") or 0,
        deadline_exceeded=False,
        paused=False,
        mark=mark,
        outage=None if surges else _outage(wanted, math.ceil(_share(rolling.get("maxUnavailable", 1), wanted))),
        unfit=_by_hand(spec),
    )


SORTS = {
    DEPLOYMENT: Sort("deployments", deployment),
    "StatefulSet": Sort("statefulsets", stateful_set),
    "DaemonSet": Sort("daemonsets", daemon_set),
}
"""By the word that a target says as `workload`, which is Kubernetes' own kind."""


def _exceeded(status: Object) -> Object | None:
    """The condition that says so."""
    conditions: list[Object] = status.get("conditions") or []
    said = (c for c in conditions if c.get("type") == "Progressing" and c.get("reason") == "ProgressDeadlineExceeded")
    return next(said, None)


def _seconds(time: str | None) -> float:
    return datetime.fromisoformat(time).timestamp() if time else math.inf


def _rolling(spec: Object) -> Object:
    return (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}


def _share(of: int | str, pods: int) -> float:
    """A number, or a percentage of the pods."""
    return pods * int(of.removesuffix("%")) / 100 if isinstance(of, str) else of


def _outage(pods: int, at_once: int) -> Outage | None:
    """Each of its pods goes before the one that replaces it comes."""
    if pods == 1:
        return Outage.ALONE
    return Outage.AT_ONCE if 0 < pods <= at_once else None


def _by_hand(spec: Object) -> Unfit | None:
    strategy = (spec.get("updateStrategy") or {}).get("type") or "RollingUpdate"
    if strategy == "RollingUpdate":
        return None
    return Unfit(f"has the update strategy {strategy}, so nobody would replace its pods", "give it RollingUpdate")


def _partition(partition: int) -> Unfit | None:
    if not partition:
        return None
    why = f"has the partition {partition}, so pods below it would not be replaced"
    return Unfit(why, "set spec.updateStrategy.rollingUpdate.partition to 0")
