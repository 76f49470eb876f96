"""What Kubernetes really does to a Deployment while it is rotated: the application is served, and the next run is clean."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local.cluster.manifests import Object
from local.stack import LocalStack
from tests.cluster.api import DEPLOYMENT, SECRET, Api
from tests.cluster.world import PACE, World
from tests.e2e.hands import output_of
from tests.until import until

PODS = "/api/v1/namespaces/openemr/pods"
OUTAGE = 20.0  # seconds
LOCKED_OUT = 4.0  # seconds
SLOW = 63.0  # seconds: from the second minute on a rollout is looked at less often
LATE_BAR = 15.0  # seconds from such a rollout complete to the machine knowing it
SLACK = 1.0  # seconds; a request that was due just before may fail just after


def pods(person: Api) -> list[str]:
    """Not those that are being deleted."""
    found = person.get(PODS)["items"]
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def scale(person: Api, world: World, replicas: int) -> None:
    """As an autoscaler: by the subresource."""
    person.patch(DEPLOYMENT + "/scale", {"spec": {"replicas": replicas}})
    until(lambda: len(world.stack.app.cluster.pods()) == replicas)
    world.stack.app.cluster.wait_until_rolled_out(60)


# Who may call


def test_the_functions_with_an_access_entry_are_let_in_and_no_other_one(stack: LocalStack) -> None:
    """By the template's own entries, and bound to the Role by their group."""
    cluster = stack.app.cluster
    allowed = {"ReadSlots", "ClaimRotation", "PatchSecret", "RestartApp", "CheckRollout", "CheckDrained"}
    for state in [*sorted(allowed), "SyncUsers", "WriteSqlconf", "ValidateApp", "FlipSlot", "RotateOldSlot", "RotateAdmin"]:
        status, _ = Api(cluster.api, cluster.ca, by=stack.function(state)).send("GET", DEPLOYMENT)
        assert status == (200 if state in allowed else 401), state


# Rollouts that do not get there


def test_a_rollout_that_never_gets_ready_is_rolled_back_and_its_failure_does_not_fail_the_way_back(world: World) -> None:
    before = world.active
    world.stack.app.cluster.break_next_rollout()
    run = world.run()
    assert (run.outcome, world.active) == ("RolledBack", before), run.cause
    assert "RolloutFailed" in run.cause
    world.assert_next_is_clean()


def test_the_way_back_is_rolled_though_an_autoscaler_scales_at_the_same_time(world: World, person: Api) -> None:
    """Scaling goes first, and the old failure stands in the status meanwhile."""
    world.stack.app.cluster.break_next_rollout()
    run = world.rotate_while(lambda: person.patch(DEPLOYMENT + "/scale", {"spec": {"replicas": 5}}), after="CloseFlip")
    assert run.outcome == "RolledBack", run.cause
    scale(person, world, 3)
    world.assert_at_rest()


def test_a_deployment_that_is_paused_before_is_refused(world: World, person: Api) -> None:
    person.patch(DEPLOYMENT, {"spec": {"paused": True}})
    run = world.run()
    person.patch(DEPLOYMENT, {"spec": {"paused": None}})
    assert run.outcome == "RotationRefused"
    assert "kubectl rollout resume" in run.cause
    world.assert_at_rest()


def test_a_deployment_that_is_paused_meanwhile_can_be_rolled_neither_way_until_it_is_resumed(world: World, person: Api) -> None:
    """Its pods serve on: they read the file, which was put back."""
    before = world.active
    run = world.rotate_while(lambda: person.patch(DEPLOYMENT, {"spec": {"paused": True}}), after="PatchSecret")
    assert (run.outcome, world.active) == ("RestoreFailed", before), run.cause
    assert "kubectl rollout resume" in run.cause
    assert world.stack.app.sqlconf_login() == before
    person.patch(DEPLOYMENT, {"spec": {"paused": None}})
    world.assert_next_is_clean()


def test_a_deployment_that_is_deleted_fails_the_way_back_too_while_its_pods_serve_on(world: World, person: Api) -> None:
    """With --cascade=orphan; without it nothing is left that could serve, whatever a rotation does."""

    def delete() -> None:
        assert person.send("DELETE", DEPLOYMENT, {"propagationPolicy": "Orphan"}, "application/json")[0] == 200

    run = world.rotate_while(delete)
    assert run.outcome == "RestoreFailed", run.cause
    assert "ClusterObjectMissing" in run.cause
    world.stack.app.cluster.recreate(world.stack.app.deployment)
    world.assert_next_is_clean()


# Rollouts that somebody meddles with


@pytest.mark.parametrize("replicas", [6, 2])
def test_scaled_by_an_autoscaler_during_the_rollout(replicas: int, world: World, person: Api) -> None:
    run = world.rotate_while(lambda: person.patch(DEPLOYMENT + "/scale", {"spec": {"replicas": replicas}}))
    assert run.outcome == "RotationSucceeded", run.cause
    assert len(pods(person)) == replicas
    scale(person, world, 3)
    world.assert_at_rest()


def test_a_pod_that_is_deleted_and_one_that_is_evicted_during_the_rollout(world: World, person: Api) -> None:
    def lose_two() -> None:
        first, second, *_ = pods(person)
        assert person.send("DELETE", f"{PODS}/{first}")[0] == 200
        version = "policy/v1" if int(world.stack.app.cluster.version.split(".")[1]) >= 22 else "policy/v1beta1"
        eviction = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": second, "namespace": "openemr"}}
        assert person.send("POST", f"{PODS}/{second}/eviction", eviction, "application/json")[0] == 201

    run = world.rotate_while(lose_two)
    assert run.outcome == "RotationSucceeded", run.cause
    world.assert_at_rest()


def test_somebody_patches_the_same_objects_meanwhile_and_nothing_of_either_is_lost(world: World, person: Api) -> None:
    with meddling(person) as written:
        run = world.run()
    assert run.outcome == "RotationSucceeded", run.cause
    deployment, secret = person.get(DEPLOYMENT), person.get(SECRET)
    assert written["times"] > 10
    assert deployment["metadata"]["annotations"]["theirs"] == secret["metadata"]["annotations"]["theirs"] == str(written["times"])
    assert secret["data"]["theirs"] == "dGhlaXJz"
    world.assert_at_rest()


@contextmanager
def meddling(person: Api) -> Iterator[Object]:
    """Another controller, ten times a second: both objects have another resourceVersion each time."""
    stopping, written = threading.Event(), {"times": 0}

    def meddle() -> None:
        for number in itertools.count(1):
            mark = {"metadata": {"annotations": {"theirs": str(number)}}}
            person.patch(DEPLOYMENT, mark)
            person.patch(SECRET, {**mark, "stringData": {"theirs": "theirs"}})
            written["times"] = number
            if stopping.wait(0.1):
                return

    thread = threading.Thread(target=meddle)
    thread.start()
    try:
        yield written
    finally:
        stopping.set()
        thread.join()


def test_another_restart_on_top_of_ours_is_waited_for(world: World, person: Api) -> None:
    """kubectl rollout restart, by somebody who does not know of us: both marks stay."""
    restarted = {"kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z"}
    run = world.rotate_while(
        lambda: person.patch(DEPLOYMENT, {"spec": {"template": {"metadata": {"annotations": restarted}}}}),
    )
    assert run.outcome == "RotationSucceeded", run.cause
    annotations = person.get(DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"]
    assert annotations.items() >= restarted.items()
    assert "credential-rotation/rotation-id" in annotations
    world.assert_at_rest()


# The API server itself


def test_the_api_server_is_down_for_twenty_seconds_of_a_slow_rollout(
    world: World, person: Api, measured: Callable[[str], None]
) -> None:
    """Pods serve on; the calls are tried again. If that is not enough the run is rolled back: either is whole."""
    cluster = world.stack.app.cluster
    person.patch(DEPLOYMENT, {"spec": {"progressDeadlineSeconds": 300}})
    cluster.break_next_rollout()

    def outage() -> None:
        began = time.monotonic()
        cluster.stop_api()
        time.sleep(OUTAGE)
        cluster.start_api()
        time.sleep(began + SLOW - time.monotonic())
        cluster.heal()

    noticed = len(world.noticed)
    run = world.rotate_while(outage)
    assert run.outcome in ("RotationSucceeded", "RolledBack"), run.cause
    late = world.noticed[noticed:]
    del world.noticed[noticed:]
    measured(f"after the first minute of a rollout, with an outage of {OUTAGE:.0f} s in it: {run.outcome}, noticed after {late} s")
    assert all(one <= LATE_BAR for one in late)
    person.patch(DEPLOYMENT, {"spec": {"progressDeadlineSeconds": PACE.progress_deadline_seconds}})
    world.assert_next_is_clean()


def test_no_token_is_taken_for_a_while(world: World) -> None:
    """As when each had expired, or EKS could not ask STS about them: tried again with a new one."""
    cluster, entries = world.stack.app.cluster, world.stack.access_entries()

    def lock_out() -> None:
        cluster.admit({})
        time.sleep(LOCKED_OUT)
        cluster.admit(entries)

    noticed = len(world.noticed)
    run = world.rotate_while(lock_out, after="PatchSecret")
    del world.noticed[noticed:]  # it could not look
    assert run.outcome == "RotationSucceeded", run.cause
    world.assert_at_rest()


# A strategy that takes the application down


def test_recreate_takes_the_application_down_only_while_it_has_no_pods_and_that_is_said_beforehand(
    world: World, person: Api
) -> None:
    person.patch(DEPLOYMENT, {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    told = world.run(mode="dry-run")
    [said, *_] = output_of(world.stack, told)["situation"]["plan"]
    assert said["change"].startswith("Deployment openemr/openemr has the strategy Recreate: the application is down")
    run = world.run()
    assert run.outcome == "RotationSucceeded", run.cause
    [restart], looks = run.visits_of("RestartApp"), run.visits_of("CheckRollout")
    world.excuse(restart.entered - SLACK, looks[-1].entered + SLACK)
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    person.patch(DEPLOYMENT, {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}})
    world.assert_at_rest()
