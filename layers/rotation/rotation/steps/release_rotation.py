"""ReleaseRotation: remove the label AWSPENDING, which is the lock, the last act of every rotation, finished or rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import RotationSuperseded
from rotation.core.model import CURRENT, PENDING
from rotation.core.situation import Left, left_to_do
from rotation.protocol.intents import read_record
from rotation.protocol.survey import refused_version

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def release_rotation(world: World, request: Request) -> dict[str, Any]:
    """Idle afterwards. Somebody else's intent is left alone."""
    store, version = world.slots, request.claim.version
    refused = refused_version(world, request.secret_version)
    _keep_what_was_learnt(world, version)
    if not store.swap(PENDING, to=None, removed_from=version) and store.labels().pending is not None:
        raise RotationSuperseded(f"{store.name}: {PENDING} is no longer on version {version}")
    if refused is not None and world.rotated is not None:
        world.rotated.let_go(refused)
    return {"released": True}


def _keep_what_was_learnt(world: World, version: str) -> None:
    """Modes sync-users and resume end on the slot that is current already. A password that they adopted into their intent
    would be in no labelled version once they let go: it becomes current first."""
    store = world.slots
    labels = store.labels()
    if labels.pending != version or labels.current == version:
        return
    record, current = read_record(store, version), read_record(store, labels.current)
    if left_to_do(record, version, current, labels.current) is not Left.DRAIN or record.same_content(current):
        return
    if not store.swap(CURRENT, to=version, removed_from=labels.current):
        raise RotationSuperseded(f"{store.name}: another version became current while this run was letting go")
