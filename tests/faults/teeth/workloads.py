"""What pods are safe by that keep their login as long as they live, left out."""

from typing import Any

from rotation.core.rollout import Progress

from tests.faults.teeth.mutation import STEPS, Mutation, in_the_machine, replaced, several, way
from tests.worlds.application import Pods
from tests.worlds.workloads import ServicesPods

ALONE, SLOW = "workloads", "workloads, slow pods, two values of one user"


def _inner(states: dict[str, Any]) -> dict[str, Any]:
    """Of the map over the consumers."""
    inner: dict[str, Any] = states["Publish"]["ItemProcessor"]["States"]
    return inner


def restarts_nothing(states: dict[str, Any]) -> None:
    way(_inner(states), "ChooseConsumer", "RestartApp")["Next"] = "ConsumerDone"


def writes_no_secret(states: dict[str, Any]) -> None:
    way(_inner(states), "ChooseConsumer", "PatchSecret")["Next"] = "ConsumerDone"


def marks_only(self: ServicesPods, rotation: str, started: str) -> None:
    """As if the annotations stood at the Deployment, and not in its pods' template."""
    Pods.restart(self, rotation, started)


def complete(*_: Any) -> Progress:
    return Progress.COMPLETE


WORKLOADS = [
    Mutation("pods: none is replaced", in_the_machine(restarts_nothing), (ALONE,)),
    Mutation("pods: they are replaced, and find the old login", in_the_machine(writes_no_secret), (ALONE,)),
    Mutation("pods: they are marked, and stay", replaced("tests.worlds.workloads.ServicesPods.restart", marks_only), (ALONE,)),
    Mutation(
        "pods: what they were started with is not read back",
        replaced("rotation.kinds.target.Target.taken_at_start", ()),
        ("workloads, B does not work",),
    ),
    Mutation(
        "pods: nobody asks whether all are replaced",
        several(replaced(f"{STEPS}.check_rollout.progress", complete), replaced(f"{STEPS}.check_drained.progress", complete)),
        (SLOW,),
    ),
]
