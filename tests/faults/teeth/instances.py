"""What instances that are told are safe by, left out."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from rotation.core.drain import Hold
from rotation.core.fleet import Answer, Status
from rotation.core.rollout import Progress
from rotation.protocol.request import Request
from rotation.steps import check_drained as draining
from rotation.steps import write_wp_config as writing

from tests.faults.teeth.mutation import STEPS, Mutation, replaced
from tests.worlds.living import LivingWorld

ALONE, SLOW_BOOTS, BAD_PAGE = "instances", "instances, slow boots", "instances, the first does not show its page"
AS_ADMIN = "instances, as the admin"
SLOW_SECONDS = 90.0


class Believed:
    """A world in which every login works, since none is tried."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.source = self

    def logs_in(self, _: Any) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


def told_untried(world: Any, request: Request) -> dict[str, Any]:
    return _write(Believed(world), request)


_write = writing.write_wp_config


def only_forward(world: Any, request: Request) -> dict[str, Any]:
    if request.direction == "restore":
        return {"began": world.now(), "version": "", "status": str(Progress.COMPLETE), "wait_seconds": 1}
    return _write(world, request)


def told_before_it_is_put(self: Any, credential: Any, mark: Any) -> str:
    labels = self._store.labels()
    return self._version(labels.current, mark) if not self.read().same_login(credential) else labels.current


def any_answer_will_do(self: Answer, _: str) -> bool:
    return self.status is not Status.UNDER_WAY


def only_while_nobody_is_seen(world: Any, request: Request, look: Any) -> Hold:
    return Hold.UNKNOWN if look.sessions else _instances(world, request, look)


_instances = draining._instances


def boots_at_once(world: LivingWorld) -> None:
    """As the target has it, and so for whoever looks."""
    world.target = replace(world.target, overlap_seconds=0, cache_seconds=0)
    world.fleets()[0].slowest_boot_seconds = 0.0  # type: ignore[attr-defined]


def slow_and_not_waited_for(world: LivingWorld) -> None:
    boots_at_once(world)
    world.fleets()[0].boot_seconds = SLOW_SECONDS  # type: ignore[attr-defined]


INSTANCES = [
    Mutation("instances: all are told at once", replaced("rotation.core.fleet._canary", lambda _, free: tuple(free)), (ALONE,)),
    Mutation(
        "instances: one that failed counts as written", replaced("rotation.core.fleet.Answer.well", any_answer_will_do), (BAD_PAGE,)
    ),
    Mutation(
        "instances: told to hold what was not tried",
        replaced(f"{STEPS}.write_wp_config.write_wp_config", told_untried),
        (ALONE,),
    ),
    Mutation(
        "instances: told of a version before it is there",
        replaced("rotation.consumers.published.PublishedSecret.put", told_before_it_is_put),
        (ALONE,),
    ),
    Mutation(
        "instances: not told on the way back", replaced(f"{STEPS}.write_wp_config.write_wp_config", only_forward), (BAD_PAGE,)
    ),
    Mutation(
        "instances: the drain asks none of them",
        replaced(f"{STEPS}.check_drained._instances", lambda *_: Hold.SAME),
        (ALONE,),
    ),
    Mutation(
        "instances: the drain asks only while the old user is not seen",
        replaced(f"{STEPS}.check_drained._instances", only_while_nobody_is_seen),
        (ALONE,),
    ),
    Mutation(
        "instances: what they said before the second publish counts after it",
        replaced("rotation.protocol.request.Request.look_mark", property(lambda self: f"{self.execution_name}.0")),
        (ALONE,),
    ),
    Mutation(
        "instances that worked as the admin: the drain asks none of them",
        replaced(f"{STEPS}.check_drained._instances", lambda *_: Hold.SAME),
        (AS_ADMIN,),
    ),
    Mutation(
        "instances that worked as the admin: the slowest boot is not waited for",
        nullcontext,
        (AS_ADMIN,),
        world=slow_and_not_waited_for,
    ),
    Mutation("instances: the slowest boot is not waited for", nullcontext, (SLOW_BOOTS,), world=boots_at_once),
]
