"""DiscardOldPassword: the one act that destroys. Looked at again immediately before, proven immediately after."""

from typing import Any

from rotation.core.errors import RetiredPasswordAccepted, RotationSuperseded
from rotation.core.model import CURRENT, Credential
from rotation.core.situation import Left, left_to_do
from rotation.ports import AdminSession, World
from rotation.protocol.altering import cut_off, discard_old, refuse_in_use
from rotation.protocol.intents import confirm, read_record
from rotation.protocol.request import Request
from rotation.protocol.survey import working_admin


def discard_old_password(world: World, request: Request) -> dict[str, Any]:
    """The retired password is refused, and what is current says so."""
    record, labels = confirm(world.slots, request.claim.version)
    current = read_record(world.slots, labels.current)
    old = record.credential(record.leaves)
    if left_to_do(record, request.claim.version, current, labels.current) is not Left.FINISH:
        _discard(world, request, old, current.credential(record.leaves))
        _record(world, request, labels.current)
    cut_off(world, request, old.username)
    return {"retired_user": old.username}


def _discard(world: World, request: Request, new: Credential, retired: Credential) -> None:
    def check(session: AdminSession) -> None:
        confirm(world.slots, request.claim.version)
        refuse_in_use(world, request, session, new)

    discard_old(world, working_admin(world), new, check)
    if world.source.logs_in(retired):
        raise RetiredPasswordAccepted(f"{world.target.name}: the retired password of {retired.username} still logs in")


def _record(world: World, request: Request, seen_current: str) -> None:
    if not world.slots.swap(CURRENT, to=request.claim.version, removed_from=seen_current):
        raise RotationSuperseded(f"{world.slots.name}: another version became current before the retirement was recorded")
