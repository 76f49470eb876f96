"""When an update of a service is over, and what ends before it begins: by its tasks, its nodes and what the engine says."""

from copy import deepcopy
from typing import Any

import pytest
from rotation.consumers.swarm.rolling import Node, Task, Update, in_use, left, progress, refuse_unfinished, refuse_unfit, settled
from rotation.core.errors import ServiceBusy, ServiceUnfit, ServiceUpdateFailed
from rotation.core.rollout import Progress

EARLIER, OURS = "2026-01-01T00:00:00.1Z", "2026-01-01T00:05:00.2Z"


def container(secret: str, *env: str) -> dict[str, Any]:
    return {"Env": list(env), "Secrets": [{"File": {"Name": secret}, "SecretID": f"id-{secret}", "SecretName": secret}]}


def spec(secret: str = "new", replicas: int = 2, *constraints: str) -> dict[str, Any]:
    return {
        "TaskTemplate": {"ContainerSpec": container(secret), "Placement": {"Constraints": list(constraints)}},
        "Mode": {"Replicated": {"Replicas": replicas}},
    }


def task(secret: str, state: str = "running", node: str = "n1", wanted: str = "running", *env: str) -> Task:
    return Task.of(
        {
            "ID": "t",
            "ServiceID": "s",
            "NodeID": node,
            "DesiredState": wanted,
            "Status": {"State": state},
            "Spec": {"ContainerSpec": container(secret, *env)},
        }
    )


def node(id_: str, state: str = "ready", availability: str = "active", **labels: str) -> Node:
    return Node.of(
        {
            "ID": id_,
            "Spec": {"Role": "worker", "Availability": availability, "Labels": labels},
            "Description": {"Hostname": f"host-{id_}", "Engine": {"Labels": {"disk": "ssd"}}, "Platform": {"OS": "linux"}},
            "Status": {"State": state},
        }
    )


NODES = [node("n1"), node("n2"), node("n3", "down")]
TWO_NEW = [task("new"), task("new", node="n2")]


@pytest.mark.parametrize(
    ("tasks", "over"),
    [
        (TWO_NEW, True),
        ([*TWO_NEW, task("old", "shutdown", wanted="shutdown")], True),
        ([*TWO_NEW, task("old", "complete", wanted="shutdown")], True),
        ([*TWO_NEW, task("old", "failed", wanted="shutdown")], True),
        ([*TWO_NEW, task("old", "rejected", wanted="shutdown")], True),
        ([*TWO_NEW, task("old", "orphaned", "n3", "shutdown")], True),
        ([*TWO_NEW, task("old", "pending", "", "shutdown")], True),
        ([*TWO_NEW, task("old", "running", wanted="shutdown")], False),
        ([*TWO_NEW, task("old", "running", "n3", "shutdown")], False),
        ([*TWO_NEW, task("old", "starting", wanted="shutdown")], False),
        ([*TWO_NEW, task("old", "assigned")], False),
        ([*TWO_NEW, task("new", "running", "n3", "shutdown")], True),
        (TWO_NEW[:1], False),
        ([TWO_NEW[0], task("new", "starting", "n2")], False),
        ([TWO_NEW[0], task("new", "running", "n2", "shutdown")], False),
        ([TWO_NEW[0], task("new", "running", "n3")], False),
        ([TWO_NEW[0], task("new", "running", "n2", "running", "MODE=2")], False),
        ([], False),
    ],
)
def test_an_update_is_over_when_all_that_runs_anywhere_is_as_the_spec_says(tasks: list[Task], over: bool) -> None:
    assert settled(spec(), tasks, NODES) is over


@pytest.mark.parametrize(
    ("state", "started", "tasks", "found"),
    [
        ("", "", TWO_NEW, Progress.COMPLETE),
        ("", "", [task("old"), task("old", node="n2")], Progress.WAITING),
        ("completed", EARLIER, [task("old"), task("old", node="n2")], Progress.WAITING),
        ("completed", EARLIER, TWO_NEW, Progress.COMPLETE),
        ("completed", OURS, TWO_NEW, Progress.COMPLETE),
        ("completed", OURS, [*TWO_NEW, task("old", wanted="shutdown")], Progress.WAITING),
        ("updating", OURS, TWO_NEW, Progress.WAITING),
        ("updating", OURS, [task("old"), task("new", node="n2")], Progress.WAITING),
        ("paused", EARLIER, [task("old"), task("old", node="n2")], Progress.WAITING),
        ("paused", OURS, TWO_NEW, Progress.COMPLETE),
        ("rollback_completed", EARLIER, TWO_NEW, Progress.COMPLETE),
    ],
)
def test_neither_the_engine_s_word_nor_the_tasks_alone_are_enough(
    state: str, started: str, tasks: list[Task], found: Progress
) -> None:
    assert progress(spec(), Update(state, started), EARLIER, tasks, NODES) is found


@pytest.mark.parametrize(
    ("state", "tasks"),
    [
        ("paused", [task("old"), task("new", "failed", "n2", "shutdown"), task("old", node="n2")]),
        ("rollback_started", TWO_NEW),
        ("rollback_paused", [task("old")]),
        ("rollback_completed", [task("old"), task("old", node="n2")]),
    ],
)
def test_the_swarm_s_own_pause_or_way_back_is_a_failure(state: str, tasks: list[Task]) -> None:
    with pytest.raises(ServiceUpdateFailed, match="pause" if state == "paused" else state):
        progress(spec(), Update(state, OURS), EARLIER, tasks, NODES)


def test_the_first_update_that_a_service_ever_had_is_ours() -> None:
    with pytest.raises(ServiceUpdateFailed):
        progress(spec(), Update("paused", OURS), "", [task("old")], NODES)


def test_what_is_waited_for_is_said_with_the_node_that_is_down() -> None:
    tasks = [TWO_NEW[0], task("old", node="n3", wanted="shutdown"), task("old", node="n2", wanted="shutdown")]
    assert left(spec(), tasks, NODES) == (
        "1 of 2 tasks run as they should; 2 of an earlier update are still there; node host-n3 is down and may go on serving them"
    )
    assert left(spec(), TWO_NEW, NODES) == "2 of 2 tasks run as they should"


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        (["node.id==n3"], "host-n3"),
        (["node.id == N3"], "host-n3"),
        (["node.hostname==host-n3"], "host-n3"),
        (["node.hostname!=host-n1", "node.hostname != host-n2"], "host-n3"),
        (["node.labels.zone==a"], "none"),
        (["node.role==manager"], "none"),
        (["engine.labels.disk==hdd"], "none"),
    ],
)
def test_a_service_that_is_pinned_to_what_is_down_is_refused(constraints: list[str], said: str) -> None:
    with pytest.raises(ServiceUnfit, match=f"no node that it may run on is ready.*{said}"):
        refuse_unfit(spec("old", 2, *constraints), NODES)


@pytest.mark.parametrize(
    "constraints",
    [
        [],
        ["node.id==n1"],
        ["node.role==worker", "engine.labels.disk==ssd"],
        ["node.platform.os==linux"],
        ["node.labels.zone!=a"],
        ["node.future.fact==1"],
        ["something else"],
    ],
)
def test_a_service_that_has_somewhere_to_run_passes(constraints: list[str]) -> None:
    refuse_unfit(spec("old", 2, *constraints), NODES)


def test_a_node_that_takes_no_tasks_is_not_one_to_run_on() -> None:
    with pytest.raises(ServiceUnfit, match="host-n1"):
        refuse_unfit(spec(), [node("n1", availability="drain"), node("n2", "down")])


def test_labels_of_a_node_count() -> None:
    refuse_unfit(spec("old", 2, "node.labels.zone==a"), [node("n1", zone="a")])


@pytest.mark.parametrize("state", ["updating", "rollback_started"])
def test_somebody_else_s_update_is_waited_for(state: str) -> None:
    with pytest.raises(ServiceBusy, match=state):
        refuse_unfinished(Update(state, EARLIER))


@pytest.mark.parametrize("state", ["paused", "rollback_paused"])
def test_an_update_that_is_paused_is_somebody_s_to_finish(state: str) -> None:
    with pytest.raises(ServiceUnfit, match=state):
        refuse_unfinished(Update(state, EARLIER))


@pytest.mark.parametrize("state", ["", "completed", "rollback_completed"])
def test_an_update_that_has_ended_is_nobody_s(state: str) -> None:
    refuse_unfinished(Update(state, EARLIER))


def test_a_service_that_is_global_or_scaled_to_nothing_is_refused() -> None:
    for mode in ({"Global": {}}, {"Replicated": {"Replicas": 0}}):
        with pytest.raises(ServiceUnfit):
            refuse_unfit({**spec(), "Mode": mode}, NODES)


@pytest.mark.parametrize(
    ("specs", "tasks", "used"),
    [
        ([spec("new")], TWO_NEW, False),
        ([spec("new"), spec("old")], TWO_NEW, True),
        ([spec("new")], [*TWO_NEW, task("old", wanted="shutdown")], True),
        ([spec("new")], [*TWO_NEW, task("old", node="n3", wanted="shutdown")], True),
        ([spec("new")], [*TWO_NEW, task("old", "shutdown", wanted="shutdown")], False),
        ([], [], False),
    ],
)
def test_a_secret_is_in_use_as_long_as_any_spec_or_any_task_anywhere_has_it(
    specs: list[dict[str, Any]], tasks: list[Task], used: bool
) -> None:
    assert in_use("id-old", specs, tasks) is used


def test_what_the_engine_leaves_out_is_read_as_nothing() -> None:
    assert Update.of({}) == Update.of({"UpdateStatus": None}) == Update()
    assert not Task.of({"ID": "t"}).is_alive
    bare = Node.of({"ID": "n"})
    assert (bare.ready, bare.active) == (False, False)
    without = deepcopy(spec())
    without["TaskTemplate"]["Placement"] = {}
    refuse_unfit(without, NODES)
