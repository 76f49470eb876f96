"""Look at the whole world once, changing nothing: labels, both secrets, every consumer, and who logs in."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, product
from typing import NamedTuple

from rotation.core.errors import AdminLoginUnknown, SecretInvalid, TargetInvalid
from rotation.core.model import Credential, Labels, Password, Slot
from rotation.core.record import AdminRecord, Record
from rotation.core.situation import Facts, Found
from rotation.kinds.target import Target
from rotation.ports import SecretStore, World
from rotation.protocol.intents import read_record


def survey(world: World, rotation_id: str, owner: str) -> Facts:
    """The facts that `decide` needs. No password is tried twice: failed logins can lock an account."""
    labels = world.slots.labels()
    current = read_record(world.slots, labels.current)
    if current.two_values and world.endpoint is not None:
        raise SecretInvalid(
            f"secret {world.slots.name}: turns is values, but {world.endpoint.name} is a proxy's, which knows one password a user."
            " Name a second user in slot B, and take the key turns out: that user is made"
        )
    check_written(world.target, current)
    pending = read_record(world.slots, labels.pending) if labels.pending else None
    logins = _Logins(world)
    held = [consumer.read().at_place_of(current.credential(current.active)) for consumer in world.credentials()]
    found = [Found(credential, logins.works(credential)) for credential in held]
    recorded, previous = [*([pending] if pending else []), current], list(_previous(world.slots, labels))
    slots = {slot for record in recorded for slot in record.ring}
    accepted = {slot: logins.accepted(_candidates(slot, found, recorded, previous)) for slot in sorted(slots)}
    admin, drifted = _admin(world, logins, held if world.target.rotates_admin else ())
    users = {current.credential(slot).username for slot in current.ring}
    if admin.username in users:
        raise SecretInvalid(f"secret {world.slots.name}: {admin.username} is the database admin; a slot needs a user of its own")
    chosen_by_use = bool(found) and (found[0].credential.username not in users or len(users) > 2)
    return Facts(
        rotation_id=rotation_id,
        labels=labels,
        current=current,
        pending=pending,
        owner_alive=pending is not None and _owner_alive(world, pending, labels, owner),
        file=found[0] if found else None,
        others=tuple(found[1:]),
        accepted=accepted,
        admin=admin,
        admin_drifted=drifted if world.target.rotates_admin else None,
        sessions=_sessions(world, admin, current) if chosen_by_use else {},
    )


def check_written(target: Target, record: Record) -> None:
    """Before anything is done: every consumer can be given every entry."""
    for (place, consumer), slot in product(enumerate(target.consumers), record.ring):
        try:
            consumer.known.fits(consumer.settings, record.credential(slot))
        except TargetInvalid as error:
            raise TargetInvalid(f"{target.name}: consumers[{place}].{error} (slot {slot})") from None


def working_admin(world: World) -> Credential:
    """The admin's login: what is current, else what was being made current, else what was current before."""
    return _admin(world, _Logins(world)).credential


class _Admin(NamedTuple):
    credential: Credential
    drifted: str | None
    """What is current, where neither that nor what is pending holds the login that works."""


def _admin(world: World, logins: "_Logins", found: Iterable[Credential] = ()) -> _Admin:
    """`found`: what consumers hold, tried last if it is the admin's; only a survey sees it, and only who rotates the admin may
    record it."""
    labels = world.admin.labels()
    versions = dict.fromkeys(v for v in (labels.current, labels.pending, labels.previous) if v)
    recorded = ((version, AdminRecord.parse(world.admin.read(version), world.admin.name).credential) for version in versions)
    username = ""
    for version, credential in chain(recorded, (("", one) for one in found)):
        username = username or credential.username
        if credential.username == username and logins.works(credential):
            return _Admin(credential, None if version in (labels.current, labels.pending) else labels.current)
    if world.admin.labels() != labels:
        return _admin(world, logins, found)  # whoever rotates it has just made another one current
    out = "" if world.target.rotates_admin else ": the target that rotates it has to mend that (rotates_admin)"
    raise AdminLoginUnknown(f"{world.target.name}: no password in {world.admin.name} logs in as the admin{out}")


def refused_version(world: World, own: str = "") -> str | None:
    """The version of the application's secret that Secrets Manager cannot rotate to any more: it began beside a rotation of ours,
    or gave up. As long as AWSPENDING stays there it begins no other. `own`: the one that this very run was started for."""
    if world.rotated is None:
        return None
    labels = world.rotated.labels()
    return labels.pending if labels.pending not in (labels.current, own) else None


def _previous(store: SecretStore, labels: Labels) -> Iterator[Record]:
    """Only a source of candidates: one that cannot be read is no reason to refuse."""
    if labels.previous and labels.previous not in (labels.current, labels.pending):
        with suppress(SecretInvalid):
            yield read_record(store, labels.previous)


def _candidates(slot: Slot, found: list[Found], recorded: list[Record], previous: list[Record]) -> Iterator[Credential]:
    """What the traffic uses; what was recorded last (what is current may be about to be discarded); what else is in use."""
    recorded, previous = ([record for record in records if slot in record.ring] for records in (recorded, previous))
    newest = recorded[-1]
    user = newest.credential(slot).username
    in_use = [one.credential for one in found if one.credential.username == user and _may_be(newest, slot, one.credential)]
    yield from in_use[:1] if found and found[0].credential.username == user else []
    yield from (record.credential(slot) for record in recorded)
    yield from in_use
    yield from (record.credential(slot) for record in previous)


def _may_be(record: Record, slot: Slot, credential: Credential) -> bool:
    """Of one user's two passwords, one that is in use and in no slot has taken the active one's place: somebody changed it."""
    return not record.two_values or (record.slot_of(credential) or record.active) is slot


def _owner_alive(world: World, pending: Record, labels: Labels, owner: str) -> bool:
    if pending.tag is None or pending.tag.owner == owner or labels.pending is None:
        return False
    return world.execution_is_alive(pending.tag.owner, world.slots.age_seconds(labels.pending))


def _sessions(world: World, admin: Credential, current: Record) -> dict[Slot, int]:
    return {slot: world.source.activity(admin, current.credential(slot).username).sessions for slot in current.ring}


class _Logins:
    """Which credentials log in, each asked once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[Credential, bool] = {}

    def works(self, credential: Credential) -> bool:
        if credential not in self._known:
            self._known[credential] = self._world.source.logs_in(credential)
        return self._known[credential]

    def accepted(self, candidates: Iterable[Credential]) -> Password | None:
        return next((c.password for c in candidates if self.works(c)), None)
