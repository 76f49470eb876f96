"""ReadSlots: look at everything, change nothing, say what this run is to do."""

from typing import Any

from rotation.errors import RolloutPaused
from rotation.ports import World
from rotation.request import Request
from rotation.situation import decide
from rotation.survey import survey


def read_slots(world: World, request: Request) -> dict[str, Any]:
    """The decision and what the machine needs of the target; never a credential."""
    for workload in world.workloads():
        if workload.rollout().paused:
            raise RolloutPaused(f"{world.target.name}: {workload.name} is paused: resume it with kubectl rollout resume")
    facts = survey(world, request.rotation_id, request.owner)
    decision = decide(facts)
    return {
        **decision.summary,
        "labels": {"current": facts.labels.current, "pending": facts.labels.pending},
        "consumers": [{"index": index, "kind": consumer.kind} for index, consumer in enumerate(world.target.consumers)],
        "overlap_seconds": world.target.overlap_seconds,
    }
