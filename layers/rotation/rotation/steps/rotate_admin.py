"""RotateAdmin: a new password for the database admin. What is current logs in at every instant: with dual passwords the old one
is discarded only after the new one is current."""

from functools import partial
from typing import Any

from rotation.core.errors import PasswordRejected, RetiredPasswordAccepted, RotationSuperseded
from rotation.core.model import CURRENT, PENDING, Credential, Labels, RotationStep, RotationTag
from rotation.core.passwords import admin_password
from rotation.core.record import AdminRecord
from rotation.ports import AdminSession, World
from rotation.protocol.altering import cut_off, discard_old, ensure_password
from rotation.protocol.intents import ATTEMPTS, confirm, offers, version_id
from rotation.protocol.request import Request
from rotation.protocol.survey import working_admin


def rotate_admin(world: World, request: Request) -> dict[str, Any]:
    """Finish what an earlier act left, then make a new password, once in a rotation: a repeated call, or a run that carries on
    a dead one's rotation, finds its id. An admin that is another target's is left to that one, whatever it is about to do."""
    if not world.target.rotates_admin:
        return {"admin": "left to the target that rotates it"}
    confirm(world.slots, request.claim.version)
    labels = world.admin.labels()
    if labels.pending == labels.current:
        _finish(world, request, labels.current)
        labels = world.admin.labels()
    current = _read(world, labels.current)
    if labels.pending is not None or current.tag is None or current.tag.id != _renewal(request):
        _finish(world, request, *_renew(world, request, labels, current))
    cut_off(world, request, current.credential.username)
    return {"admin": current.credential.username}


def _renew(world: World, request: Request, labels: Labels, current: AdminRecord) -> tuple[str, Credential]:
    """The version that is current then, and what logged in before. An intent that is there is adopted, never dropped: the database
    may hold its password."""
    store = world.admin
    own = [version_id(store.name, labels.current, request.owner, "admin", n) for n in range(ATTEMPTS)]
    adopted = _read(world, labels.pending) if labels.pending else None
    tag = RotationTag(_renewal(request), request.owner, RotationStep.RETIRE, labels.current)
    admin = working_admin(world)

    def make(attempt: int) -> AdminRecord:
        keep = attempt == 0 and adopted is not None and not adopted.credential.same_login(current.credential)
        password = adopted.credential.password if keep and adopted else admin_password()
        return current.with_password(password).with_tag(tag)

    def check(_: AdminSession) -> None:
        confirm(world.slots, request.claim.version)

    for version, record in offers(store, own, labels.pending, partial(_read, world), make):
        try:
            ensure_password(world, admin, record.credential, current.credential, check)
        except PasswordRejected:
            continue
        if not store.swap(CURRENT, to=version, removed_from=labels.current):
            raise RotationSuperseded(f"{store.name}: another version became current before the admin's new one")
        return version, admin
    raise PasswordRejected(f"{world.target.name}: the password policy refused {ATTEMPTS} passwords of the admin")


def _renewal(request: Request) -> str:
    """What this renewal is recognised by. A revocation makes one in each round, whatever its rotations are called: the first may
    only adopt a password that was known before, the second is made when whoever had the first one's time is cut off."""
    if request.mode.terms.renews_each_round:
        return f"{request.execution_name} {request.started} {request.round}"
    return str(request.situation["rotation_id"])


class _Finished(Exception):
    """A twin of this call came first."""


def _finish(world: World, request: Request, version: str, before: Credential | None = None) -> None:
    """AWSPENDING and AWSCURRENT are on this version: discard the password before it, prove that, let go. `before`: what logged in
    until now, where this call knows: what is current may have been refused already, and is not tried again.

    Looked at once more under the lock: a call that was taken for dead may come here when the next renewal has begun. What it
    takes for the old password then is what AWSCURRENT says.
    """
    store = world.admin
    record = _read(world, version)

    def check(_: AdminSession) -> None:
        confirm(world.slots, request.claim.version)
        labels = store.labels()
        if labels.current == version and labels.pending is None:
            raise _Finished
        if (labels.current, labels.pending) != (version, version):
            raise RotationSuperseded(f"{store.name}: another renewal of the admin's password has begun")

    try:
        discard_old(world, record.credential, record.credential, check)
    except _Finished:
        return
    retired = before or (_read(world, record.tag.made_from).credential if record.tag else None)
    # A person may have put the same password again meanwhile: then there is nothing that must be refused.
    if retired is not None and not retired.same_login(record.credential) and world.source.logs_in(retired):
        raise RetiredPasswordAccepted(f"{world.target.name}: the admin's retired password still logs in")
    store.swap(PENDING, to=None, removed_from=version)


def _read(world: World, version: str) -> AdminRecord:
    return AdminRecord.parse(world.admin.read(version), world.admin.name)
