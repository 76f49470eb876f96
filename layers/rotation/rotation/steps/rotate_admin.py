"""RotateAdmin: give the database's admin a new password. The current one logs in at every moment: with dual passwords the old one
is discarded only after the new one is current."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rotation.core.errors import PasswordRejected, RetiredPasswordAccepted, RotationSuperseded
from rotation.core.model import CURRENT, PENDING, Credential, RotationStep, RotationTag, Version
from rotation.core.passwords import admin_password
from rotation.protocol.admin_login import AdminLogin, admin_record
from rotation.protocol.altering import cut_off, discard_old, ensure_password
from rotation.protocol.intents import ATTEMPTS, confirm, confirm_again, offers, version_id

if TYPE_CHECKING:
    from rotation.core.record import AdminRecord
    from rotation.ports import AdminSession, World
    from rotation.protocol.request import Request


def rotate_admin(world: World, request: Request) -> dict[str, Any]:
    """Finish what an earlier act left, then make a new password, once in a rotation: a repeated call, or a run that carries on
    a dead one's rotation, finds its id. An admin that is another target's is left to that one, whatever it is about to do."""
    if not world.target.rotates_admin:
        return {"admin": "left to the target that rotates it"}
    fence = Fence(world, request)
    current = world.admin.current()
    if PENDING in current.labels:
        _finish(world, fence, current.id)
        current = world.admin.current()
    pending = world.admin.pending()
    record = _read(world, current.id)
    if pending is not None or record.tag is None or record.tag.id != _renewal(request):
        _renew(world, request, fence, current, pending)
    cut_off(world, request, record.credential.username)
    return {"admin": record.credential.username}


class Fence:
    """The rotation's intent is still ours: looked at when it is made, and again before each act."""

    def __init__(self, world: World, request: Request) -> None:
        self._world, self._version = world, request.claim.version
        self._record = confirm(world.slots, self._version)

    def check(self) -> None:
        confirm_again(self._world.slots, self._version, self._record)

    def finished(self, version: str) -> bool:
        """Whether a twin of this call came first; and the admin's renewal to that version is ours too. A call that was taken for
        dead may come when the next one has begun: what it takes for the old password then is what AWSCURRENT says."""
        self.check()
        store = self._world.admin
        labels = store.labels()
        if (labels.current, labels.pending) not in ((version, version), (version, None)):
            raise RotationSuperseded(f"{store.name}: another renewal of the admin's password has begun")
        return labels.pending is None


def _renew(world: World, request: Request, fence: Fence, current: Version, pending: Version | None) -> None:
    """All under one lock, so no other renewal begins meanwhile; by the login that worked before, which is discarded only after the
    new one is current."""
    admin = AdminLogin(world, current)
    with admin.session() as session:
        version, record = _altered(world, request, fence, session, current.id, pending.id if pending else None)
        if not world.admin.swap(CURRENT, to=version, removed_from=current.id):
            raise RotationSuperseded(f"{world.admin.name}: another version became current before the admin's new one")
        fence.check()
        if session.dual_passwords:
            session.discard_old_password(record.credential.username, record.credential.password)
    _let_go(world, version, record, admin.credential)


def _altered(
    world: World, request: Request, fence: Fence, session: AdminSession, seen: str, pending: str | None
) -> tuple[str, AdminRecord]:
    """The version whose password the database has then. An intent that is there is adopted, never dropped: the database may hold
    its password."""
    store = world.admin
    own = [version_id(store.name, seen, request.owner, "admin", n) for n in range(ATTEMPTS)]
    current, adopted = _read(world, seen), _read(world, pending) if pending else None
    tag = RotationTag(_renewal(request), request.owner, RotationStep.RETIRE, seen)

    def make(attempt: int) -> AdminRecord:
        keep = attempt == 0 and adopted is not None and not adopted.credential.same_login(current.credential)
        password = adopted.credential.password if keep and adopted else admin_password()
        return current.with_password(password).with_tag(tag)

    for version, record in offers(store, own, pending, partial(_read, world), make):
        with suppress(PasswordRejected):
            ensure_password(world, session, record.credential, current.credential, fence.check)
            return version, record
    raise PasswordRejected(f"{world.target.name}: the password policy refused {ATTEMPTS} passwords of the admin")


def _renewal(request: Request) -> str:
    """What this renewal is recognised by. A revocation makes one in each round, whatever its rotations are called: the first may
    only adopt a password that was known before, the second is made when whoever had the first one's time is cut off."""
    if request.mode.terms.renews_each_round:
        return f"{request.execution_name} {request.started} {request.round}"
    return str(request.situation["rotation_id"])


def _finish(world: World, fence: Fence, version: str) -> None:
    """AWSPENDING and AWSCURRENT are on this version: an earlier call came no further than that."""
    record = _read(world, version)
    with world.source.as_admin(record.credential) as session:
        if fence.finished(version):
            return
        discard_old(world, session, record.credential)
    _let_go(world, version, record, _read(world, record.tag.made_from).credential if record.tag else None)


def _let_go(world: World, version: str, record: AdminRecord, retired: Credential | None) -> None:
    """What logged in before is refused, and the renewal is over."""
    # A person may have put the same password again meanwhile: then there is nothing that must be refused.
    if retired is not None and not retired.same_login(record.credential) and not world.source.refuses(retired):
        raise RetiredPasswordAccepted(f"{world.target.name}: the admin's retired password still logs in")
    world.admin.swap(PENDING, to=None, removed_from=version)


def _read(world: World, version: str) -> AdminRecord:
    return admin_record(world, world.admin.read(version))
