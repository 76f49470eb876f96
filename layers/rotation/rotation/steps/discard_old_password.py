"""DiscardOldPassword: the one act that destroys. Looked at again immediately before, proven immediately after."""

from typing import Any

from rotation.altering import cut_off, discard_old, refuse_in_use
from rotation.errors import RetiredPasswordAccepted, RotationSuperseded
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
        refuse_in_use(world, request, session, old)

    admin = working_admin(world)
    discard_old(world, admin, old, check)
    if world.source.logs_in(current.credential(record.active.other)):
        raise RetiredPasswordAccepted(f"{world.target.name}: the retired password of {old.username} still logs in")
    cut_off(world, request, admin, old.username)
    if not store.swap(CURRENT, to=version, removed_from=labels.current):
        raise RotationSuperseded(f"{store.name}: another version became current before the retirement was recorded")
    return {"retired_user": old.username}
