"""DiscardOldPassword: the one act that destroys. Looked at again immediately before, proven immediately after."""

from typing import Any

from rotation.altering import discard_old
from rotation.errors import RetiredPasswordAccepted, RotationSuperseded, SlotInUse
from rotation.intents import confirm, read_record
from rotation.model import CURRENT
from rotation.ports import AdminSession, World
from rotation.request import Request
from rotation.situation import Left, left_to_do
from rotation.survey import working_admin


def discard_old_password(world: World, request: Request) -> dict[str, Any]:
    """The retired password is refused, and what is current says so."""
    store, version = world.slots, request.claim.version
    record, labels = confirm(store, version)
    current = read_record(store, labels.current)
    old = record.credential(record.active.other)
    if left_to_do(record, version, current, labels.current) is Left.FINISH:
        return {"retired_user": old.username}

    def check(session: AdminSession) -> None:
        confirm(store, version)
        if session.activity(old.username).sessions:
            raise SlotInUse(f"{world.target.name}: {old.username} has sessions again")

    discard_old(world, working_admin(world), old, check)
    if world.source.logs_in(current.credential(record.active.other)):
        raise RetiredPasswordAccepted(f"{world.target.name}: the retired password of {old.username} still logs in")
    if not store.swap(CURRENT, to=version, removed_from=labels.current):
        raise RotationSuperseded(f"{store.name}: another version became current before the retirement was recorded")
    return {"retired_user": old.username}
