"""Look at the whole world once, changing nothing: labels, both secrets, every consumer, and who logs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.situation import Facts, Found, Left, left_to_do
from rotation.protocol.admin_login import AdminLogin, Logins, find_admin
from rotation.protocol.intents import read_record

if TYPE_CHECKING:
    from rotation.core.model import Credential, Labels, Password, Slot
    from rotation.core.record import Record
    from rotation.kinds.target import Target
    from rotation.ports import SecretStore, World


def survey(world: World, rotation_id: str, owner: str, *, admin: bool = True) -> Facts:
    """The facts that `decide` needs. No password is tried twice: failed logins can lock an account. `admin`: its login is looked
    for even if nothing has to be decided by what only it can see."""
    labels = world.slots.labels()
    current = read_record(world.slots, labels.current)
    if current.two_values and world.endpoint is not None:
        raise SecretInvalid(
            f"secret {world.slots.name}: turns is values, but {world.endpoint.name} is a proxy's, which knows one password a user."
            " Name a second user in slot B, and take the key turns out: that user is made"
        )
    check_written(world.target, current)
    pending = read_record(world.slots, labels.pending) if labels.pending else None
    logins = Logins(world)
    held = [consumer.read().at_place_of(current.credential(current.active)) for consumer in world.credentials()]
    held += [one.at_place_of(current.credential(current.active)) for one in _told(world)]
    found = [Found(credential, logins.works(credential)) for credential in held]
    by_hand = world.target.source.known.by_hand
    recorded = [*([pending] if pending else []), current]
    recorded = _handed_in(recorded, labels) if by_hand else recorded
    previous = _nothing if by_hand else partial(_previous, world.slots, labels)
    slots = {slot for record in recorded for slot in record.ring}
    accepted = {slot: _accepted(logins, slot, found, recorded, previous) for slot in sorted(slots)}
    facts = Facts(
        rotation_id=rotation_id,
        labels=labels,
        current=current,
        pending=pending,
        owner_alive=pending is not None and _owner_alive(world, pending, labels, owner),
        file=found[0] if found else None,
        others=tuple(found[1:]),
        accepted=accepted,
    )
    if current.issued:  # there is no admin to look for, and there are no sessions to count
        from rotation.protocol.issuing import provided

        return replace(facts, provided=provided(world))
    users = {current.credential(slot).username for slot in current.ring}
    chosen_by_use = bool(found) and (found[0].credential.username not in users or len(users) > 2)
    in_use = held if world.target.rotates_admin else ()  # only who rotates the admin may record what consumers hold
    login = find_admin(world, logins, in_use) if admin or chosen_by_use else None
    if login is not None and login.credential.username in users:
        name = login.credential.username
        raise SecretInvalid(f"secret {world.slots.name}: {name} is the database admin; a slot needs a user of its own")
    return replace(
        facts,
        admin=login.credential if login else None,
        admin_drifted=login.known.drifted if login and world.target.rotates_admin else None,
        sessions=_sessions(world, login, current) if login is not None and chosen_by_use else {},
        by_hand=by_hand,
    )


def _told(world: World) -> Iterator[Credential]:
    """The login of a version that others were told of and that never became current: a publish, or the way back, was cut short.
    They may hold it, and nobody can read that from them."""
    told = world.rotated.told() if (world.fleets() or world.services()) and world.rotated else None
    if told is not None:
        yield told


def check_written(target: Target, record: Record) -> None:
    """Before anything is done: the source can have every entry, and every consumer can be given it."""
    issues = target.source.known.issues_keys
    if issues != record.issued:
        turns = "issues keys: write turns: keys" if issues else "issues no keys: take turns: keys out"
        raise SecretInvalid(f"secret {target.slot_secret}: a source of kind {target.source.kind} {turns}")
    if target.source.known.takes_values and not record.two_values:
        said = (
            f"a source of kind {target.source.kind} takes two values of one user: write turns: values, and one username in A and B"
        )
        raise SecretInvalid(f"secret {target.slot_secret}: {said}")
    by_hand = target.source.known.by_hand
    logins = [(slot, record.credential(slot)) for slot in record.ring]
    there = [slot for slot, one in logins if not (one.is_none or (by_hand and one.password.is_empty))]
    for slot in there:
        try:
            _check_filled(record.credential(slot))
            target.source.known.fits(target.source.settings, record.credential(slot))
        except SecretInvalid as error:
            raise SecretInvalid(f"secret {target.slot_secret}: {slot}: {error}") from None
    for (place, consumer), slot in product(enumerate(target.consumers), there):
        try:
            consumer.known.fits(consumer.settings, record.credential(slot))
        except TargetInvalid as error:
            raise TargetInvalid(f"{target.name}: consumers[{place}].{error} (slot {slot})") from None


def _check_filled(login: Credential) -> None:
    if login.password.is_empty:
        raise SecretInvalid("field password is missing or empty")


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


def _handed_in(recorded: list[Record], labels: Labels) -> list[Record]:
    """What a person has handed in is what current says: an intent that another version has overtaken has no say in it."""
    *pending, current = recorded
    overtaken = pending and labels.pending and left_to_do(pending[0], labels.pending, current, labels.current) is Left.STALE
    return [current] if overtaken else recorded


def _nothing() -> Iterator[Record]:
    """A key that was in use before is none to try: it is to be revoked."""
    yield from ()


def _accepted(
    logins: Logins, slot: Slot, found: list[Found], recorded: list[Record], previous: Callable[[], Iterator[Record]]
) -> Password | None:
    """An entry that is empty is to be empty: what it held before is never taken up again, whether or not it still logs in."""
    newest = [record for record in recorded if slot in record.ring][-1]
    if newest.credential(slot).password.is_empty:
        return None
    return logins.accepted(one for one in _candidates(slot, found, recorded, previous) if not one.password.is_empty)


def _candidates(
    slot: Slot, found: list[Found], recorded: list[Record], previous: Callable[[], Iterator[Record]]
) -> Iterator[Credential]:
    """What the traffic uses; what was recorded last (what is current may be about to be discarded); what else is in use; and only
    then is it asked what was current before."""
    recorded = [record for record in recorded if slot in record.ring]
    newest = recorded[-1]
    if newest.issued:
        yield from (key for record in recorded if not (key := record.credential(slot)).is_none)
        return
    user = newest.credential(slot).username
    in_use = [one.credential for one in found if one.credential.username == user and _may_be(newest, slot, one.credential)]
    yield from in_use[:1] if found and found[0].credential.username == user else []
    yield from (record.credential(slot) for record in recorded)
    yield from in_use
    yield from (record.credential(slot) for record in previous() if slot in record.ring)


def _may_be(record: Record, slot: Slot, credential: Credential) -> bool:
    """Of one user's two passwords, one that is in use and in no slot has taken the active one's place: somebody changed it."""
    return not record.two_values or (record.slot_of(credential) or record.active) is slot


def _owner_alive(world: World, pending: Record, labels: Labels, owner: str) -> bool:
    if pending.tag is None or pending.tag.owner == owner or labels.pending is None:
        return False
    return world.execution_is_alive(pending.tag.owner, world.slots.age_seconds(labels.pending))


def _sessions(world: World, admin: AdminLogin, current: Record) -> dict[Slot, int]:
    users = {slot: current.credential(slot).username for slot in current.ring}
    return {slot: admin.ask(partial(world.source.activity, username=user)).sessions for slot, user in users.items()}
