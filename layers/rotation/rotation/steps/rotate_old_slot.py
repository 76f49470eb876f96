"""RotateOldSlot: give the slot that nobody uses any more a new password, beside the old one where the server can keep both."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rotation.core.errors import PasswordRejected, RotationSuperseded, SlotInUse
from rotation.core.model import RotationStep, RotationTag
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.altering import ensure_password, refuse_in_use
from rotation.protocol.intents import ATTEMPTS, confirm_again, confirm_seen, look, offers, read_record, version_id, write_ahead
from rotation.protocol.request import Claim, Request

if TYPE_CHECKING:
    from rotation.core.model import Password
    from rotation.core.record import Record
    from rotation.ports import World

ALTERED = "altered"
IN_USE = "in use"


def rotate_old_slot(world: World, request: Request) -> dict[str, Any]:
    """The claim on the intent that retires the slot: returned, not raised, also when somebody came back, since it is held by then.

    A password is replaced only after the database definitely refused it.
    """
    store = world.slots
    if world.target.source.known.issues_keys:
        return _retire_key(world, request)
    looked = look(store)
    own = [version_id(store.name, looked.current, request.owner, RotationStep.RETIRE, n) for n in range(ATTEMPTS)]
    held = looked.pending.id if looked.pending and looked.pending.id in own else request.claim.version
    base = confirm_seen(store, looked, held)
    tried, admin = request.claim.own_logins, AdminLogin(world)
    today = datetime.fromtimestamp(world.now(), UTC).date().isoformat()

    def make(_: int) -> Record:
        return _retiring(base, request.owner, looked.current, world.target.source.make(), today)

    for version, record in offers(store, own, held, partial(read_record, store), make):
        try:
            tried += _alter(world, request, admin, version, record)
        except PasswordRejected:
            tried += 1
            continue
        except SlotInUse:
            return {**Claim(version, tried + 1).as_dict(), "status": IN_USE}
        return {**Claim(version, tried).as_dict(), "status": ALTERED}
    raise PasswordRejected(f"{world.target.name}: the password policy refused {ATTEMPTS} passwords of {base.leaves}")


def _retire_key(world: World, request: Request) -> dict[str, Any]:
    """The slot holds no key any more; the one that it held stands among those to be deleted, and is deactivated if nobody came
    back. Until it is deleted a person may activate it again."""
    from rotation.protocol.issuing import deactivate, refuse_used, retiring

    store = world.slots
    looked = look(store)
    version = version_id(store.name, looked.current, request.owner, RotationStep.RETIRE)
    held = version if looked.pending and looked.pending.id == version else request.claim.version
    record = confirm_seen(store, looked, held)
    if held != version:
        left = _tagged(retiring(world, record), record, request.owner, looked.current)
        record = write_ahead(store, version, left, held)
    try:
        refuse_used(world, request, read_record(store, looked.current))
    except SlotInUse:
        return {**Claim(version, request.claim.own_logins).as_dict(), "status": IN_USE}
    deactivate(world, version, record)
    return {**Claim(version, request.claim.own_logins).as_dict(), "status": ALTERED}


def _retiring(base: Record, owner: str, current: str, password: Password, day: str = "") -> Record:
    """Where nothing is made here, the entry is emptied, and people are told from that day on to revoke the key that was in it."""
    renewed = base.with_previous(None)
    if password.is_empty:
        from rotation.core.by_hand import retired

        return _tagged(retired(renewed, base.leaves, day), base, owner, current)
    return _tagged(renewed.with_password(base.leaves, password), base, owner, current)


def _tagged(renewed: Record, base: Record, owner: str, current: str) -> Record:
    if base.tag is None:
        raise RotationSuperseded("the intent lost its tag")
    return renewed.with_tag(RotationTag(base.tag.id, owner, RotationStep.RETIRE, current, base.tag.leaves))


def _alter(world: World, request: Request, admin: AdminLogin, version: str, record: Record) -> int:
    """How often we tried to log in. One user's other password is not altered: the next rotation sets the one recorded now."""
    if record.two_values:
        return 0
    old = record.credential(record.leaves)

    def check() -> None:
        confirm_again(world.slots, version, record)
        refuse_in_use(world, request, session, old)

    with admin.session() as session:
        return ensure_password(world, session, old, record.credential(record.active), check)
