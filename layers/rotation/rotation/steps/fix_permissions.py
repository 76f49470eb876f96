"""FixPermissions: owner and mode of the application's files as the target names them. Their content is not read, and no credential
changes. Instances are told, and asked again until all have done it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.rollout import Progress, poll_seconds

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def fix_permissions(world: World, request: Request) -> dict[str, Any]:
    """Whether anything had to change, and whether all is done."""
    changed = [request.fixed_before, *[file.fix_permissions() for file in world.files()]]
    now = world.now()
    began = request.fixing_began or now
    done = True
    if world.fleets():
        from rotation.protocol.fleets import owned

        done, told = owned(world, request.execution_name, began)
        changed.append(told)
    status = Progress.COMPLETE if done else Progress.WAITING
    return {"changed": any(changed), "began": began, "status": str(status), "wait_seconds": poll_seconds(now - began)}
