"""What services in a Swarm are safe by, left out."""

from typing import Any

from rotation.consumers.swarm.services import SwarmService
from rotation.core.drain import Hold
from rotation.core.phases import Moved, Phase
from rotation.core.rollout import Progress

from tests.faults.teeth.adapters import secrets_that_another_service_has
from tests.faults.teeth.instances import told_before_it_is_put
from tests.faults.teeth.mutation import STEPS, Mutation, replaced, several

SWARM, BAD_PAGE = "swarm", "swarm, B does not work"
SERVICES = "rotation.consumers.swarm.services"
_advance, _look = SwarmService.advance, SwarmService._look


def only_forward(self: Any, goal: Phase, version: str, current: str, since: str | None = None, *, back: bool = False) -> Moved:
    if back:
        return Moved(Progress.COMPLETE)
    return _advance(self, goal, version, current, since)


def written_over(self: Any, goal: Phase, version: str, current: str, since: str | None = None, *, back: bool = False) -> Moved:
    """Onto whatever is there when it is written."""
    engine = self._engine
    post = engine.post

    def onto_the_newest(path: str, body: Any, **query: str) -> Any:
        if path.endswith("/update"):
            query["version"] = str(engine._swarm.service("web").index)
        return post(path, body, **query)

    engine.post = onto_the_newest
    try:
        return _advance(self, goal, version, current, since, back=back)
    finally:
        engine.post = post


IN_A_SWARM = [
    Mutation("swarm: told of what was not tried", several(
        replaced(f"{STEPS}.create_swarm_secret.refuse_untried", lambda *_: None),
        replaced(f"{STEPS}.prepare_service.refuse_untried", lambda *_: None),
    ), (SWARM,)),
    Mutation(
        "swarm: told of a version before it is there",
        replaced("rotation.consumers.published.PublishedSecret.put", told_before_it_is_put),
        (SWARM,),
    ),
    Mutation(
        "swarm: the service stays where it is on the way back",
        replaced(f"{SERVICES}.SwarmService.advance", only_forward),
        (BAD_PAGE,),
    ),
    Mutation(
        "swarm: somebody else's change is written over",
        replaced(f"{SERVICES}.SwarmService.advance", written_over),
        (SWARM,),
        strike_at="CutOverService",
    ),
    Mutation(
        "swarm: the drain does not ask the services",
        replaced(f"{STEPS}.check_drained._services", lambda _: Hold.SAME),
        (SWARM,),
        strike_at="CheckDrained",
    ),
    Mutation(
        "swarm: a secret is removed while a task has it",
        replaced(f"{SERVICES}.in_use", lambda *_: False),
        ("two services on one login",),
        check=secrets_that_another_service_has,
    ),
    Mutation(
        "swarm: the old file is kept",
        replaced(f"{SERVICES}.SwarmService.remove_old", lambda *_: []),
        (SWARM,),
        strike_at="ReleaseRotation",
    ),
]  # fmt: skip
