"""Of each sort of workload: when its rollout is over, what would not roll at all, and what takes the application down."""

from typing import Any

import pytest
from rotation.consumers.deployment.sorts import SORTS
from rotation.core.rollout import Outage, Progress, Rollout, progress

STATEFUL, DAEMON = "StatefulSet", "DaemonSet"
Object = dict[str, Any]

STATEFUL_DONE: Object = {
    "observedGeneration": 7,
    "replicas": 3,
    "readyReplicas": 3,
    "availableReplicas": 3,
    "currentReplicas": 3,
    "updatedReplicas": 3,
    "currentRevision": "ledger-2",
    "updateRevision": "ledger-2",
}
DAEMON_DONE: Object = {
    "observedGeneration": 7,
    "currentNumberScheduled": 3,
    "desiredNumberScheduled": 3,
    "numberMisscheduled": 0,
    "numberReady": 3,
    "updatedNumberScheduled": 3,
    "numberAvailable": 3,
}
STATEFUL_WAITS: dict[str, Object] = {
    "not seen by the controller yet": {"observedGeneration": 6},
    "one is still an old one": {"updatedReplicas": 2},
    "one is away": {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2},
    "one is not ready": {"readyReplicas": 2, "availableReplicas": 2},
    "one is ready, and not yet for long enough": {"availableReplicas": 2},
    "one too many still ends": {"replicas": 4},
    "the controller has not ended": {"currentRevision": "ledger-1"},
    "none is there": {"replicas": 0, "readyReplicas": None, "updatedReplicas": None, "availableReplicas": 0},
}
DAEMON_WAITS: dict[str, Object] = {
    "not seen by the controller yet": {"observedGeneration": 6},
    "one is still an old one": {"updatedNumberScheduled": 2},
    "one is away": {"currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
    "one is not available": {"numberAvailable": 2, "numberUnavailable": 1},
    "none is there": {"currentNumberScheduled": 0, "updatedNumberScheduled": None, "numberAvailable": None},
}


def found(sort: str, status: Object | None = None, strategy: Object | None = None, replicas: int = 3) -> Rollout:
    """Of an API server's answer; a count that is None is left out."""
    said = (STATEFUL_DONE if sort == STATEFUL else DAEMON_DONE) if status is None else status
    spec: Object = {"template": {}, "updateStrategy": strategy or {"type": "RollingUpdate"}}
    wanted = {"replicas": replicas} if sort == STATEFUL else {}
    kept = {name: value for name, value in said.items() if value is not None}
    return SORTS[sort].rollout({"metadata": {"generation": 7}, "spec": {**spec, **wanted}, "status": kept}, "r1")


@pytest.mark.parametrize("sort", [STATEFUL, DAEMON])
def test_it_is_over_once_every_pod_is_new_and_available(sort: str) -> None:
    rollout = found(sort)
    assert (progress(rollout), rollout.mark, rollout.unfit, rollout.outage) == (Progress.COMPLETE, "r1", None, None)


@pytest.mark.parametrize("change", STATEFUL_WAITS.values(), ids=STATEFUL_WAITS)
def test_a_stateful_set_is_waited_for(change: Object) -> None:
    assert progress(found(STATEFUL, STATEFUL_DONE | change)) is Progress.WAITING


@pytest.mark.parametrize("change", DAEMON_WAITS.values(), ids=DAEMON_WAITS)
def test_a_daemon_set_is_waited_for(change: Object) -> None:
    assert progress(found(DAEMON, DAEMON_DONE | change)) is Progress.WAITING


def test_an_api_server_that_does_not_know_availability_is_believed_what_it_says_of_readiness() -> None:
    assert progress(found(STATEFUL, STATEFUL_DONE | {"availableReplicas": None})) is Progress.COMPLETE
    assert progress(found(STATEFUL, STATEFUL_DONE | {"availableReplicas": None, "readyReplicas": 2})) is Progress.WAITING


@pytest.mark.parametrize("sort", SORTS)
def test_what_no_controller_has_seen_yet_is_waited_for(sort: str) -> None:
    found = {"metadata": {"generation": 1}, "spec": {"template": {}}}
    assert progress(SORTS[sort].rollout(found, None)) is Progress.WAITING


@pytest.mark.parametrize("sort", [STATEFUL, DAEMON])
def test_no_pods_at_all_are_a_rollout_that_is_over_and_no_outage(sort: str) -> None:
    revisions = {"currentRevision": "ledger-2", "updateRevision": "ledger-2"}
    rollout = found(sort, {"observedGeneration": 7, "replicas": 0, "availableReplicas": 0, **revisions}, replicas=0)
    assert (progress(rollout), rollout.outage) == (Progress.COMPLETE, None)


UNFIT: dict[str, tuple[str, Object, str, str]] = {
    "a StatefulSet by hand": (STATEFUL, {"type": "OnDelete"}, "update strategy OnDelete", "RollingUpdate"),
    "a DaemonSet by hand": (DAEMON, {"type": "OnDelete"}, "update strategy OnDelete", "RollingUpdate"),
    "a part": (STATEFUL, {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}, "partition 1", "partition to 0"),
}


@pytest.mark.parametrize(("sort", "strategy", "why", "mend"), UNFIT.values(), ids=UNFIT)
def test_what_nobody_would_replace_is_unfit(sort: str, strategy: Object, why: str, mend: str) -> None:
    unfit = found(sort, strategy=strategy).unfit
    assert unfit is not None
    assert why in unfit.why
    assert mend in unfit.mend


def test_a_partition_of_zero_and_a_strategy_that_is_not_said_are_fit() -> None:
    assert found(STATEFUL, strategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}).unfit is None
    assert found(STATEFUL, strategy={"rollingUpdate": {}}).unfit is None


@pytest.mark.parametrize(
    ("pods", "rolling", "outage"),
    [
        (1, {}, Outage.ALONE),
        (2, {}, None),
        (2, {"maxUnavailable": 2}, Outage.AT_ONCE),
        (2, {"maxUnavailable": "99%"}, None),
        (4, {"maxUnavailable": "100%"}, Outage.AT_ONCE),
        (0, {"maxUnavailable": 2}, None),
    ],
)
def test_a_stateful_set_is_down_where_all_of_its_pods_may_go_at_once(pods: int, rolling: Object, outage: Outage | None) -> None:
    assert found(STATEFUL, strategy={"type": "RollingUpdate", "rollingUpdate": rolling}, replicas=pods).outage is outage


@pytest.mark.parametrize(
    ("nodes", "rolling", "outage"),
    [
        (1, {"maxUnavailable": 1}, Outage.ALONE),
        (1, {"maxUnavailable": 0, "maxSurge": 1}, None),
        (1, {"maxUnavailable": 0, "maxSurge": "10%"}, None),
        (3, {"maxUnavailable": 2, "maxSurge": 0}, None),
        (3, {"maxUnavailable": "70%"}, Outage.AT_ONCE),
        (0, {"maxUnavailable": 1}, None),
    ],
)
def test_a_daemon_set_is_down_where_all_of_its_pods_may_go_at_once(nodes: int, rolling: Object, outage: Outage | None) -> None:
    status = DAEMON_DONE | {"desiredNumberScheduled": nodes}
    assert found(DAEMON, status, {"type": "RollingUpdate", "rollingUpdate": rolling}).outage is outage


def test_only_a_deployment_is_down_by_its_strategy() -> None:
    recreated = {"metadata": {"generation": 1}, "spec": {"replicas": 3, "strategy": {"type": "Recreate"}, "template": {}}}
    assert SORTS["Deployment"].rollout(recreated, None).outage is Outage.RECREATES
    assert SORTS["Deployment"].rollout({**recreated, "spec": {"replicas": 1, "template": {}}}, None).outage is None
