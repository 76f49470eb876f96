"""Keys that a provider issues: made, stored and withdrawn by whoever holds AWSPENDING, without a lock at the provider.

The intent says first what is to happen, as ever, but for one thing that it cannot: the key itself, which is shown once. So between
the issue and the swap of AWSPENDING to the version that has the key, it is nobody's; whoever comes next finds it as one that no
version names, and writes it down to be deleted (core/keys.py). Both swap from the same version: what is used was never deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rotation.core.errors import LoginRefused, RotationSuperseded, SlotInUse, SourceLags
from rotation.core.keys import Provided, mark_of, name_of
from rotation.core.model import NO_KEY, PENDING, Credential, SecretText
from rotation.core.record import Record
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.intents import confirm_again, confirm_seen, look, read_record, version_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rotation.ports import World
    from rotation.protocol.request import Request

T = TypeVar("T")

LAGS_SECONDS = 300
"""How long a provider may take until all of it knows what it was told: then "not yet" becomes "never"."""
TURNS = 8
"""How often the intent may change in one call."""


def ask(world: World, act: Callable[[Credential | None], T]) -> T:
    """With the admin's login that works, where the target names one."""
    return AdminLogin(world).ask(act) if world.target.admin_secret else act(None)


def provided(world: World) -> Provided:
    """What there is now, once nothing keeps us from issuing and deleting there."""
    provider, target = world.provider, world.target
    ask(world, provider.check)
    keys = ask(world, provider.keys)
    return Provided(tuple(keys), provider.limit, provider.named, provider.dedicated, mark_of(target.name, target.slot_secret))


class Held(NamedTuple):
    """The intent that has AWSPENDING, which is ours."""

    version: str
    record: Record
    current: str
    """The version that is current beside it."""


def ensure_key(world: World, request: Request) -> tuple[str, list[str]]:
    """The slot to be used holds a key that works, and what is to be deleted is gone. The version that has AWSPENDING then, and what
    was done.

    Only from a version whose slot is empty does the intent move on here: a call that comes late can take nothing from one whose key
    another call has found to work.
    """
    done: list[str] = []
    for _ in range(TURNS):
        held = held_by(world, request.claim.version)
        seen = provided(world)
        key = held.record.credential(held.record.active)
        if not key.is_none:
            done += [f"{gone}: deleted" for gone in withdraw(world, held, seen)]
            _need_taken(world, held, key, seen)
            return held.version, done
        unknown = seen.unknown(held.record)
        orphans = seen.orphans(unknown, held.record.there)
        seen.refuse_strangers(unknown, orphans, held.record.there)
        if orphans:
            _write(world, request, held, _withdrawing(held.record, orphans), "withdraw")
            continue
        done += [f"{gone}: deleted" for gone in withdraw(world, held, seen)]
        issued = _issue(world, request, held, seen)
        if issued is not None:
            done.append(f"{issued}: issued")
    raise RotationSuperseded(f"{world.slots.name}: the intent changed again and again while a key was to be issued")


def held_by(world: World, claimed: str) -> Held:
    """The fence, and where this run is: its intent goes from version to version, all with one tag."""
    looked = look(world.slots)
    version = looked.pending.id if looked.pending and _goes_on(world, looked.pending.text, claimed) else claimed
    return Held(version, confirm_seen(world.slots, looked, version), looked.current)


def _goes_on(world: World, text: SecretText, claimed: str) -> bool:
    tag = Record.parse(text, world.slots.name).tag
    return tag is not None and tag == read_record(world.slots, claimed).tag


def _need_taken(world: World, held: Held, key: Credential, seen: Provided) -> None:
    """What is new is waited for by the machine. One that is gone for good the next claim takes out of the record."""
    listed = seen.find(key.username)
    if listed is not None and not listed.active:  # some of the provider may take it for a moment yet
        raise LoginRefused(f"{world.target.name}: {key.username} is deactivated at the provider: it is not given to anybody")
    if world.provider.logs_in(key):
        return
    age = listed.age_seconds if listed is not None else None
    if (world.slots.age_seconds(held.version) if age is None else age) <= LAGS_SECONDS:
        raise SourceLags(f"{world.target.name}: the provider does not take {key.username} yet, which is new")
    raise LoginRefused(f"{world.target.name}: the provider does not take {key.username}, although that is not new any more")


def _withdrawing(record: Record, ids: Iterable[str]) -> Record:
    return record.with_withdrawing((*record.withdrawing, *ids))


def _write(world: World, request: Request, held: Held, record: Record, what: str) -> Held | None:
    """Put, read back, and take AWSPENDING from exactly the version seen; None if a twin of this call was before us. What was put
    first under that id is what counts."""
    version = version_id(world.slots.name, held.version, request.owner, what)
    stored = Record.parse(world.slots.put_once(version, record.text()), world.slots.name)
    taken = world.slots.swap(PENDING, to=version, removed_from=held.version)
    return Held(version, stored, held.current) if taken else None


def _issue(world: World, request: Request, held: Held, seen: Provided) -> str | None:
    """The id of the key that was stored by this call; None where what came of it is to be looked at again."""
    record, provider = held.record, world.provider
    seen.need_room(record.withdrawing)  # they are deleted by now
    confirm_again(world.slots, held.version, record)
    name = name_of(seen.mark, record.tag.id if record.tag else "")
    key = ask(world, lambda admin: provider.issue(admin, name))
    written = _write(world, request, held, record.with_key(record.active, key), "issue")
    if written is not None and written.record.credential(record.active).username == key.username:
        return key.username
    # A twin stored another one first, or AWSPENDING is elsewhere: ours is in no version that has a label, nor ever will be.
    ask(world, lambda admin: provider.delete(admin, key.username))
    return None


def withdraw(world: World, held: Held, seen: Provided) -> list[str]:
    """What is to be deleted and is still there is gone; their ids. Nothing that a slot holds is among it."""
    provider = world.provider
    there = [one for one in held.record.withdrawing if one in seen.ids]
    for one in there:
        confirm_again(world.slots, held.version, held.record)
        _end(world, one, provider.deactivate)
        _end(world, one, provider.delete)
    return there


def _end(world: World, key: str, act: Callable[[Credential | None, str], object]) -> None:
    ask(world, lambda admin: act(admin, key))


def retiring(world: World, record: Record) -> Record:
    """The same without the key of the slot that is left: it stands among those that are to be deleted, and so does what a call that
    was cut short has issued."""
    seen = provided(world)
    late = seen.orphans(seen.unknown(record), record.there)
    left = record.credential(record.leaves)
    return _withdrawing(record.with_key(record.leaves, NO_KEY), (*late, *([] if left.is_none else [left.username])))


def deactivate(world: World, version: str, record: Record) -> None:
    """What is to be deleted is taken no longer: that much a person could undo."""
    seen = provided(world)
    for one in record.withdrawing:
        if one in seen.ids:
            confirm_again(world.slots, version, record)
            _end(world, one, world.provider.deactivate)


def discard(world: World, version: str, record: Record, retired: Credential) -> None:
    """The retired key is gone, and refused: looked at between the two acts, of which only the second cannot be undone."""
    in_use = record.credential(record.active)
    if not world.provider.logs_in(in_use):
        raise LoginRefused(f"{world.target.name}: {in_use.username}, which is in use, is refused: nothing is deleted")
    for one in record.withdrawing:
        confirm_again(world.slots, version, record)
        stopped = ask(world, lambda admin, one=one: world.provider.deactivate(admin, one))  # type: ignore[misc]
        if stopped and one == retired.username:
            _need_refused(world, retired)
        _end(world, one, world.provider.delete)
    _need_refused(world, retired)


def _need_refused(world: World, retired: Credential) -> None:
    if not retired.is_none and not world.provider.refuses(retired):
        raise SourceLags(f"{world.target.name}: the provider still takes {retired.username}, which is deactivated or deleted")


def is_used(world: World, record: Record) -> bool:
    """Whether the key of the slot that is left was used within the quiet period, as far as the provider says."""
    key = record.credential(record.leaves)
    found = None if key.is_none else provided(world).find(key.username)
    return found is not None and found.used_seconds_ago is not None and found.used_seconds_ago < world.target.quiet_seconds


def refuse_used(world: World, request: Request, current: Record) -> None:
    """The last look before a key is deactivated, as for a password."""
    if not request.mode.terms.ignores_others and is_used(world, current):
        left = current.credential(current.leaves).username
        raise SlotInUse(f"{world.target.name}: {left} was used just now: it is left as it is")
