"""CheckRollout: look once how far the rolling restart is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import ConsumerDiffers, RolloutFailed, RolloutPaused, RolloutTooSlow, WorkloadUnfit
from rotation.core.rollout import Progress, poll_seconds, progress

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def check_rollout(world: World, request: Request) -> dict[str, Any]:
    """Complete, or when to look again; an error once it cannot get there."""
    workload = world.workload(request.consumer)
    rollout = workload.rollout()
    waited = world.now() - request.rollout_began
    state = progress(rollout, request.rollout_began)
    place = f"{world.target.name}: {workload.name}"
    if rollout.mark != request.mark:
        raise ConsumerDiffers(f"{place} no longer carries this rotation's mark: somebody else changed its pod template")
    if state is Progress.PAUSED:
        raise RolloutPaused(f"{place} is paused: resume it with kubectl rollout resume")
    if state is Progress.WAITING and rollout.unfit:
        raise WorkloadUnfit(f"{place} {rollout.unfit}")
    if state is Progress.FAILED:
        pods = f"{rollout.updated} of {rollout.replicas_wanted} replaced, {rollout.available} available, old ones included"
        raise RolloutFailed(f"{place} exceeded its progress deadline: {pods}")
    if state is Progress.WAITING and waited > world.target.rollout_deadline_seconds:
        raise RolloutTooSlow(f"{place} is not rolled out after {waited:.0f} s (rollout.deadline_seconds)")
    return {"began": request.rollout_began, "status": str(state), "wait_seconds": poll_seconds(waited)}
