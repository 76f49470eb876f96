"""Keys that a provider issues: whose a key is that no entry of the record names. Pure.

The provider invents the secret and shows it once, so a key may be issued and never stored. Two things in the record tell such an
orphan from a key that a person made: `there`, the ids that were there when the intent was claimed, which an intent that replaces
it takes over; and `withdrawing`, the ids that are to be deleted. No key is deactivated or deleted that does not stand there first,
under AWSPENDING: whoever stores a key swaps AWSPENDING from the same version, so one of both has lost.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from rotation.core.errors import NoRoomForKey, UnknownKey
from rotation.core.model import NO_KEY, PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rotation.core.model import Slot
    from rotation.core.record import Record
    from rotation.core.seen import Key

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Provided(NamedTuple):
    """What there is at the provider, and by what a key is known as ours."""

    keys: Sequence[Key]
    limit: int | None
    named: bool
    dedicated: bool
    mark: str
    """With which the names begin of all keys that rotations of this record have made."""

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(key.id for key in self.keys)

    def find(self, id: str) -> Key | None:  # noqa: A002 - as the provider calls it
        return next((key for key in self.keys if key.id == id), None)

    def unknown(self, *records: Record | None) -> list[Key]:
        """What none of these knows, but for those that bear another's name."""
        known = frozenset[str]().union(*(known_ids(record) for record in records if record is not None))
        return [key for key in self.keys if key.id not in known and (not self.named or key.name.startswith(self.mark))]

    def orphans(self, unknown: Iterable[Key], there: frozenset[str] | None) -> list[str]:
        """The ids of those of them that are ours, issued and never stored. `there`: what was there before (None: all of it)."""
        known_before = self.ids if there is None else there
        return [key.id for key in unknown if self.named or (self.dedicated and key.id not in known_before)]

    def refuse_strangers(self, unknown: Sequence[Key], orphans: Iterable[str], there: frozenset[str] | None) -> None:
        """UnknownKey where one may be a person's."""
        strangers = [key for key in unknown if key.id not in set(orphans)]
        if strangers:
            raise UnknownKey(_unknown(strangers, made_since=there is not None and not any(key.id in there for key in strangers)))

    def need_room(self, withdrawn: Iterable[str]) -> None:
        """For one key more, once these are gone."""
        left = [key for key in self.keys if key.id not in set(withdrawn)]
        if self.limit is not None and len(left) >= self.limit:
            raise NoRoomForKey(f"the provider allows {self.limit} keys, and there are {', '.join(said(key) for key in left)}")


def known_ids(record: Record) -> frozenset[str]:
    """Of its slots, of what a first rotation found, and what it is to delete."""
    previous = {record.credential(PREVIOUS).username} if record.previous else set()
    return record.ids | set(record.withdrawing) | previous


def mark_of(target: str, slot_secret: str) -> str:
    """No other record's: a target of the same name may stand beside it at the same provider."""
    return f"rotation.{target}.{sha256(slot_secret.encode()).hexdigest()[:8]}."


def name_of(mark: str, rotation: str) -> str:
    """What a key is called: letters, digits, dots and dashes."""
    return mark + sha256(rotation.encode()).hexdigest()[:12]


def claimed(provided: Provided, intent: Record, current: Record, pending: Record | None, used: frozenset[str]) -> Record:
    """The intent with what is to be remembered beside its slots. `used`: ids of the keys that work and that a consumer holds.

    What was there before is what the first intent says of all that this one carries on or replaces, and so it launders nothing.
    What somebody works with is no orphan, whoever put it there.
    """
    said_first = pending.there if pending is not None else None
    there = frozenset[str]() if provided.named else provided.ids if said_first is None else said_first
    orphans = provided.orphans(provided.unknown(intent, current, pending), there)
    dropped = (current.ids | (pending.ids if pending else frozenset())) - intent.ids
    left = [key for key in current.withdrawing if key in provided.ids]  # what an earlier rotation deleted is gone
    begun = pending.withdrawing if pending else ()
    return intent.with_there(there).with_withdrawing([*left, *begun, *({*orphans, *dropped} - used)])


def refuse(provided: Provided, record: Record, slot: Slot, used: frozenset[str]) -> None:
    """What keeps a rotation from issuing a key for that slot, if it holds none: one that may be a person's, or too many of them."""
    unknown = provided.unknown(record)
    provided.refuse_strangers(unknown, (), None if provided.named else record.there)
    working = sorted(used - record.ids)
    if working:
        raise UnknownKey(f"a consumer holds {', '.join(working)}, which the record does not name: publish the recorded key there")
    if record.credential(slot).is_none:
        provided.need_room(record.withdrawing)


def adopted(record: Record, pending: Record | None) -> Record:
    """An intent that is replaced may hold a key that it has stored: it is taken over if its slot is still free, else deleted."""
    if pending is None or not pending.issued:
        return record
    for slot in record.ring:
        key = pending.credential(slot)
        taken = key.username in (*record.ids, *pending.withdrawing)
        if record.credential(slot).is_none and not key.is_none and not taken:
            record = record.with_key(slot, key)
    return record


def without_dead(provided: Provided, record: Record, slot: Slot, *, works: bool) -> Record:
    """A key that is refused, and that the provider does not list or has deactivated, is gone for good: another is issued. So it is
    where one ends by itself before the next rotation is due. A claim alone may say so, which is from then on the intent of
    everybody; at worst it is new, and costs one key more."""
    listed = provided.find(record.credential(slot).username)
    worn = listed is not None and listed.worn
    lives = works or (listed is not None and listed.active)
    return record if lives and not worn else record.with_key(slot, NO_KEY)


def said(key: Key) -> str:
    """For people: which, since when, and whether it is in use."""
    made = "" if key.age_seconds is None else f"made {_ago(key.age_seconds)}"
    used = "no use of it is known" if key.used_seconds_ago is None else f"last used {_ago(key.used_seconds_ago)}"
    return f"{key.id} ({', '.join(part for part in (made, used, '' if key.active else 'not active') if part)})"


def _unknown(keys: Sequence[Key], *, made_since: bool) -> str:
    way = " (dedicated: true, if nobody else makes keys there)" if made_since else ""
    return f"there is a key that the record does not know, and it is left alone{way}: {', '.join(said(key) for key in keys)}"


def _ago(seconds: float) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{max(0, seconds):.0f} seconds ago"
