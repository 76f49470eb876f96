"""ReleaseRotation: let go of AWSPENDING, the last act of every rotation, finished or rolled back."""

from typing import Any

from rotation.errors import RotationSuperseded
from rotation.model import PENDING
from rotation.ports import World
from rotation.request import Request


def release_rotation(world: World, request: Request) -> dict[str, Any]:
    """Idle afterwards. Somebody else's intent is left alone."""
    store, version = world.slots, request.claim.version
    if not store.swap(PENDING, to=None, removed_from=version) and store.labels().pending is not None:
        raise RotationSuperseded(f"{store.name}: {PENDING} is no longer on version {version}")
    return {"released": True}
