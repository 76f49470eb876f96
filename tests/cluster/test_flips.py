"""A hundred restarts over a slow way to the API server: a rollout is never believed to be complete before it is."""

import base64
import random
import time
from collections.abc import Callable

import pytest
from rotation.consumers.cluster import eks
from rotation.consumers.deployment.adapter import Workload
from rotation.core.rollout import Progress, Rollout, progress

from local.slow_way import delayed
from local.stack import CLUSTER, LocalStack
from tests.cluster.api import DEPLOYMENT, Api
from tests.cluster.test_hard_cases import scale
from tests.cluster.world import World

FLIPS = 100
REPLICAS = 2
MOST = 0.050  # seconds of delay, each way
WITHIN = 60.0


def is_fooled(rollout: Rollout) -> bool:
    """Whoever compares the counts and nothing else."""
    return rollout.updated == rollout.available == rollout.replicas == rollout.replicas_wanted


@pytest.mark.usefixtures("adapters")
def test_a_hundred_rollouts_are_believed_only_when_every_pod_is_new(
    world: World, person: Api, stack: LocalStack, measured: Callable[[str], None]
) -> None:
    scale(person, world, REPLICAS)
    rolling(person, surge=REPLICAS)
    cluster, too_early, fooled = stack.app.cluster, [], 0
    authority = base64.b64encode(cluster.ca.encode()).decode()
    chance = random.Random(1)  # noqa: S311 - no secret
    with delayed(int(cluster.api.rpartition(":")[2]), lambda: chance.uniform(0, MOST)) as port:
        stack.aws.register_cluster(CLUSTER, f"https://127.0.0.1:{port}", authority)
        workload = Workload(eks.Cluster(CLUSTER), "openemr", "openemr", "openemr")
        for number in range(FLIPS):
            before = {pod["name"] for pod in cluster.pods()}
            workload.restart(f"flip-{number}.forward", "2030-01-01T00:00:00Z")
            began, first = time.time(), workload.rollout()
            fooled += is_fooled(first)
            state = progress(first, began)
            while state is Progress.WAITING and time.time() < began + WITHIN:
                state = progress(workload.rollout(), began)
            after = cluster.pods()
            names = {pod["name"] for pod in after}
            if state is not Progress.COMPLETE or names & before or len(names) != REPLICAS or not all(pod["ready"] for pod in after):
                too_early.append((number, state, before, after))
        stack.aws.register_cluster(CLUSTER, cluster.api, authority)
    measured(f"{FLIPS} rollouts at 0 to {MOST * 1000:.0f} ms of added delay each way: {len(too_early)} believed too early")
    measured(f"a reader that does not look at the generations would have believed {fooled} of the {FLIPS} at its first look")
    rolling(person, surge=1)
    scale(person, world, 3)
    assert too_early == []


def rolling(person: Api, surge: int) -> None:
    person.patch(DEPLOYMENT, {"spec": {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}}}})
