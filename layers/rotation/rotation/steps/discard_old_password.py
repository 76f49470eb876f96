"""DiscardOldPassword: the one act that destroys. Looked at again immediately before, proven immediately after."""

from typing import Any

from rotation.core.errors import LoginRefused, RetiredPasswordAccepted, RotationSuperseded
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
    admin = None
    if left_to_do(record, request.claim.version, current, labels.current) is not Left.FINISH:
        admin, retired = working_admin(world), current.credential(record.leaves)
        if record.two_values:
            _discard_value(world, request, admin, record.credential(record.active), retired)
        else:
            _discard(world, request, admin, old)
        _prove(world, retired, old)
        _record(world, request, labels.current)
    cut_off(world, request, old.username, admin)
    return {"retired_user": old.username}


def _discard(world: World, request: Request, admin: Credential, new: Credential) -> None:
    def check(session: AdminSession) -> None:
        confirm(world.slots, request.claim.version)
        refuse_in_use(world, request, session, new)

    discard_old(world, admin, new, check)


def _discard_value(world: World, request: Request, admin: Credential, in_use: Credential, retired: Credential) -> None:
    """The user goes on with the password in use; its sessions do not say which one they began with, and stay."""
    with world.source.as_admin(admin) as session:
        confirm(world.slots, request.claim.version)
        if not world.source.logs_in(in_use):
            raise LoginRefused(f"{world.target.name}: what {in_use.username} uses does not log in: the old password is kept")
        if session.needs_discard(in_use.username, in_use.password, retired.password):
            session.discard_old_password(in_use.username)


def _prove(world: World, retired: Credential, new: Credential) -> None:
    if world.source.logs_in(retired):
        raise RetiredPasswordAccepted(f"{world.target.name}: the retired password of {retired.username} still logs in")
    if world.endpoint is not None and not retired.same_login(new) and world.endpoint.logs_in(retired):
        said = f"{world.endpoint.name} still accepts the retired password of {retired.username}"
        raise RetiredPasswordAccepted(f"{world.target.name}: {said}")


def _record(world: World, request: Request, seen_current: str) -> None:
    if not world.slots.swap(CURRENT, to=request.claim.version, removed_from=seen_current):
        raise RotationSuperseded(f"{world.slots.name}: another version became current before the retirement was recorded")
