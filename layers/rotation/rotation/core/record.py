"""The two secrets as values: the slot secret (`Record`) and the admin secret (`AdminRecord`).

Both keep the shape that a person wrote and every key that we do not know; we gain only `rotation` and `previous`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, Self

from rotation.core.errors import SecretInvalid
from rotation.core.model import NO_KEY, PREVIOUS, Credential, Password, RotationStep, RotationTag, SecretText, Slot

USERS, VALUES, KEYS = "users", "values", "keys"
"""What takes turns, by the record's key `turns`: users, each with its password (if it says nothing), two passwords of one, or keys
that a provider issues."""
LOGIN, PLACE = ("username", "password"), ("host", "port", "dbname")
FIELDS = (*LOGIN, *PLACE)


THERE, WITHDRAWING = "there", "withdrawing"
"""What a record of keys says beside its slots."""
OUTSTANDING, WITHDRAWN = "to_withdraw", "withdrawn"
"""What a record of keys that people make says beside its slots."""


class Outstanding(NamedTuple):
    """A key that only a person can revoke, where it was issued."""

    key: Password
    since: str
    """The day on which a retirement saw that nothing uses it any more; empty before."""
    id: str = ""
    """What its provider calls it; empty where nobody said."""

    def as_written(self) -> dict[str, str]:
        """In the record."""
        return {"password": self.key.reveal(), "since": self.since, **({"id": self.id} if self.id else {})}


class Withdrawn(NamedTuple):
    """A key that is revoked. It is not kept, but it would be known again."""

    digest: str
    id: str
    on: str
    """The day."""
    by: str
    """Who said so, or tried it."""
    how: str
    """TRIED or SAID."""


TRIED, SAID = "it was tried, and refused", "a person said so"


class Document:
    """A secret's JSON object. Never shown: its text is as confidential as the passwords in it."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        """What is given is not changed by anything here, and not to be changed by whoever gave it."""
        self._raw = dict(raw)

    @classmethod
    def parse(cls, text: SecretText, secret: str) -> Self:
        """The record that the secret holds, or SecretInvalid naming the field that is wrong."""
        try:
            raw = json.loads(text.reveal())
        except ValueError:
            raise SecretInvalid(f"secret {secret} is not JSON") from None
        if not isinstance(raw, dict):
            raise SecretInvalid(f"secret {secret} is not a JSON object")
        try:
            document = cls(raw)
            document.check()
        except SecretInvalid as error:
            raise SecretInvalid(f"secret {secret}: {error}") from None
        return document

    def check(self) -> None:
        """Raise SecretInvalid if a field is missing or wrong."""

    def text(self) -> SecretText:
        """What to store."""
        return SecretText(json.dumps(self._raw))

    @property
    def tag(self) -> RotationTag | None:
        """Who wrote this version; None where it was not us, or not readable as ours."""
        raw = self._raw.get("rotation")
        if not isinstance(raw, dict):
            return None
        try:
            leaves = Slot(raw["leaves"]) if "leaves" in raw else None
            return RotationTag(str(raw["id"]), str(raw["owner"]), RotationStep(raw["step"]), str(raw["from"]), leaves)
        except (KeyError, ValueError):
            return None

    def with_tag(self, tag: RotationTag) -> Self:
        """The same, written by that rotation."""
        leaves = {} if tag.leaves is None else {"leaves": str(tag.leaves)}
        return self._with(rotation={"id": tag.id, "owner": tag.owner, "step": str(tag.step), "from": tag.made_from, **leaves})

    def without_tag(self) -> Self:
        """The same, as if no rotation had ever written it."""
        return self._with(rotation=None)

    def same_content(self, other: Self) -> bool:
        """Whether both say the same, whoever wrote them: a late flip lands under another version id and is still ours."""
        mine, theirs = (json.loads(document.without_tag().text().reveal()) for document in (self, other))
        return bool(mine == theirs)

    def _with(self, **changes: Any) -> Self:
        """None removes a key; a null that somebody else wrote is not ours to remove."""
        merged = {**self._raw, **changes}
        return type(self)({key: value for key, value in merged.items() if key not in changes or value is not None})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __reduce__(self) -> str:
        raise TypeError(f"a {type(self).__name__} is not to be pickled")


class AdminRecord(Document):
    """The admin secret: one credential."""

    __slots__ = ()

    def check(self) -> None:
        """All five fields are there; or none that says a place, where it is a key (`need_place`)."""
        _ = self.credential

    @property
    def credential(self) -> Credential:
        """The admin's login."""
        return (_key if self._raw.keys().isdisjoint(PLACE) else _credential)(self._raw, "the admin secret")

    def need_place(self) -> None:
        """Of a database: what logs in there says where. Raises SecretInvalid."""
        _filled(self._raw, "the admin secret", FIELDS)

    def with_password(self, password: Password) -> Self:
        """The same admin with another password."""
        return self._with(password=password.reveal())


class Record(Document):
    """The slot secret: which slot is active, all slots, and during a bootstrap what was there before."""

    __slots__ = ()

    def check(self) -> None:
        """The pointer is one of the slots, all of which are whole and different users."""
        ring = self.ring
        self._check_no_gap(ring[-1])
        if self._raw.get("active_slot") not in ring:
            raise SecretInvalid(f"active_slot is neither {' nor '.join(ring)}")
        if self._raw.get("turns", USERS) not in (USERS, VALUES, KEYS):
            raise SecretInvalid(f"turns is none of {USERS}, {VALUES}, {KEYS}")
        if self.issued:
            self._check_keys()
        users: dict[str, Slot] = {}
        for slot in ring if not self.issued else ():
            first = users.setdefault(self.credential(slot).username, slot)
            if first is not slot and not self.two_values:
                raise SecretInvalid(f"slots {first} and {slot} name the same user: give each slot a user of its own")
        if self.two_values and (len(users), len(self.ring)) != (1, 2):
            raise SecretInvalid(f"turns is {VALUES}: slots A and B, and no more, have to name one and the same user")
        if self.two_values and self.credential(self.active).password.is_empty:
            raise SecretInvalid(f"{self.active}: field password is missing or empty")
        _ = self.previous
        _ = self.outstanding

    def _check_keys(self) -> None:
        if len(self.ring) > 2:
            raise SecretInvalid(f"turns is {KEYS}: slots A and B take turns, and no more")
        found = [self.credential(slot) for slot in self.ring]
        if found[0].username == found[1].username and not found[0].is_none:
            raise SecretInvalid(f"slots A and B name the same key {found[0].username}: leave one of them empty, as {{}}")
        for name in (THERE, WITHDRAWING):
            ids = self._raw.get(name, [])
            if not (isinstance(ids, list) and all(isinstance(one, str) and one for one in ids)):
                raise SecretInvalid(f"{name} is no list of keys' ids: take it out")

    def _check_no_gap(self, last: Slot) -> None:
        beyond = [slot for slot in Slot if slot > last and slot in self._raw]
        if beyond:
            raise SecretInvalid(f"there is slot {beyond[0]}, but none before it: name the slots A, B, C and so on, without a gap")

    @property
    def two_values(self) -> bool:
        """Whether the slots are two passwords of one user: at rest only one of them works."""
        return self._raw.get("turns") == VALUES

    @property
    def issued(self) -> bool:
        """Whether the slots are keys that a provider issues: at rest one of them is there, and the other slot holds none."""
        return self._raw.get("turns") == KEYS

    @property
    def fresh(self) -> bool:
        """Whether what is new lives only from a run's beginning on: at rest only one of both works, and both belong to one user."""
        return self.two_values or self.issued

    @property
    def there(self) -> frozenset[str] | None:
        """The ids of the keys that were there when the first of the intents began that this one carries on; None if none says."""
        return frozenset(self._raw[THERE]) if THERE in self._raw else None

    @property
    def withdrawing(self) -> tuple[str, ...]:
        """Ids of keys of ours that are to be deleted; they stand here before they are, and until that is certain."""
        return tuple(self._raw.get(WITHDRAWING, ()))

    @property
    def ids(self) -> frozenset[str]:
        """Of the keys that the slots hold."""
        return frozenset(self.credential(slot).username for slot in self.ring) - {""}

    def with_key(self, slot: Slot, key: Credential) -> Self:
        """The same, with another key for that slot, or none (NO_KEY)."""
        said = {} if key.is_none else {"username": key.username, "password": key.password.reveal()}
        return self._with(**{str(slot): said})

    def with_there(self, ids: Iterable[str] | None) -> Self:
        """The same, remembering (or forgetting) what was there when the intent was claimed."""
        return self._with(**{THERE: None if ids is None else sorted(ids)})

    def with_withdrawing(self, ids: Iterable[str]) -> Self:
        """The same, with these keys to be deleted. What a slot holds is none of them."""
        return self._with(**{WITHDRAWING: sorted(set(ids) - self.ids) or None})

    def slot_of(self, credential: Credential) -> Slot | None:
        """The slot whose user that is, whatever its password; of one user's two passwords, the slot that has that one."""
        for slot in self.ring:
            own = self.credential(slot)
            if not own.is_none and (own.same_login(credential) if self.two_values else own.username == credential.username):
                return slot
        return None

    @property
    def ring(self) -> tuple[Slot, ...]:
        """The slots that take turns, in their order: A and B, and as many more as follow without a gap."""
        more = takewhile(lambda slot: slot in self._raw, (slot for slot in Slot if slot not in (Slot.A, Slot.B)))
        return (Slot.A, Slot.B, *more)

    def after(self, slot: Slot) -> Slot:
        """Whose turn comes next."""
        return self.ring[(self.ring.index(slot) + 1) % len(self.ring)]

    def before(self, slot: Slot) -> Slot:
        """Whose turn it was before."""
        return self.ring[self.ring.index(slot) - 1]

    @property
    def leaves(self) -> Slot:
        """The slot that the application leaves with the rotation that wrote this: its password is retired."""
        said = self.tag.leaves if self.tag else None
        return said if said in self.ring and said is not self.active else self.before(self.active)

    @property
    def active(self) -> Slot:
        """The slot that the application uses, as far as this version says."""
        return Slot(self._raw["active_slot"])

    def credential(self, entry: str) -> Credential:
        """The login of a slot, or `previous`. Of one name's two values, the one that is not in use may be empty yet."""
        if self.issued:
            return _key(self._raw.get(entry), entry)
        return _credential(self._raw.get(entry), entry, may_be_empty=self.two_values)

    @property
    def previous(self) -> Credential | None:
        """What a first rotation found in use, while it is still needed for the way back."""
        return self.credential(PREVIOUS) if PREVIOUS in self._raw else None

    def with_active(self, slot: Slot) -> Self:
        """The same, pointing at that slot."""
        return self._with(active_slot=str(slot))

    def with_password(self, slot: Slot, password: Password) -> Self:
        """The same, with another password for that slot."""
        return self._with(**{str(slot): {**self._raw[slot], "password": password.reveal()}})

    @property
    def outstanding(self) -> tuple[Outstanding, ...]:
        """The keys that nothing uses any more, and that a person is to revoke."""
        return tuple(_outstanding(self._raw.get(OUTSTANDING, [])))

    def with_outstanding(self, keys: Sequence[Outstanding]) -> Self:
        """The same with these reminders, and no others."""
        return self._with(**{OUTSTANDING: [one.as_written() for one in keys] or None})

    @property
    def withdrawn(self) -> tuple[Withdrawn, ...]:
        """The keys that are known to be revoked, the oldest first."""
        return tuple(_withdrawn(self._raw.get(WITHDRAWN, [])))

    def with_withdrawn(self, keys: Sequence[Withdrawn]) -> Self:
        """The same with these, and no others."""
        return self._with(**{WITHDRAWN: [one._asdict() for one in keys] or None})

    def key_id(self, slot: Slot) -> str:
        """What its provider calls the key of that slot; empty where nobody said."""
        found = self._raw[slot].get("id")
        return found if isinstance(found, str) else ""

    def with_handed_in(self, slot: Slot, key: Password, key_id: str = "") -> Self:
        """The same, with another key in that slot, or with none."""
        entry = {name: value for name, value in self._raw[slot].items() if name != "id"}
        return self._with(**{str(slot): {**entry, "password": key.reveal(), **({"id": key_id} if key_id else {})}})

    def with_previous(self, credential: Credential | None) -> Self:
        """The same, remembering (or forgetting) what was in use before the first rotation."""
        return self._with(previous=None if credential is None else as_written(credential))


def _key(raw: object, entry: str) -> Credential:
    """A key works wherever its provider is: no place belongs to it. What is empty, or not there, holds none."""
    if raw is None or raw == {}:
        return NO_KEY
    said = _filled(raw, entry, LOGIN)
    return NO_KEY.with_login(str(said["username"]), Password(str(said["password"])))


def _filled(raw: object, entry: str, fields: Iterable[str], *, may_be_empty: bool = False) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise SecretInvalid(f"{entry} is missing or not an object")
    for field in fields:
        is_empty_yet = may_be_empty and field == "password" and raw.get(field) == ""
        if not (is_empty_yet or _is_filled(field, raw.get(field))):
            raise SecretInvalid(f"{entry}: field {field} is missing or empty")
    return raw


def _credential(raw: object, entry: str, *, may_be_empty: bool = False) -> Credential:
    """One that says nothing of a place has none; whether it needs one, its source knows."""
    placed = not isinstance(raw, dict) or not raw.keys().isdisjoint(PLACE)
    raw = _filled(raw, entry, FIELDS if placed else LOGIN, may_be_empty=may_be_empty)
    if not placed:
        return Credential(str(raw["username"]), Password(str(raw["password"])), "", None, "")
    port = str(raw["port"])
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SecretInvalid(f"{entry}: field port is not a port number")
    return Credential(str(raw["username"]), Password(str(raw["password"])), str(raw["host"]), int(port), str(raw["dbname"]))


def _is_filled(field: str, value: object) -> bool:
    """Blanks alone are no name; they may be a password."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return False
    return bool(str(value) if field == "password" else str(value).strip())


def as_written(credential: Credential) -> dict[str, Any]:
    """An entry of a record. What belongs to no place says none."""
    named = {"username": credential.username, "password": credential.password.reveal()}
    if not credential.host:
        return named
    return {**named, "host": credential.host, "port": str(credential.port), "dbname": credential.dbname}


def _outstanding(raw: object) -> Iterator[Outstanding]:
    for one in raw if isinstance(raw, list) else [raw]:
        if not isinstance(one, dict) or not all(isinstance(one.get(field), str) for field in ("password", "since")):
            raise SecretInvalid(f"{OUTSTANDING} is no list of keys, each with password and since")
        yield Outstanding(Password(one["password"]), one["since"], str(one.get("id", "")))


def _withdrawn(raw: object) -> Iterator[Withdrawn]:
    """What somebody else wrote there is passed over: it is only ever looked at to find a key again."""
    for one in raw if isinstance(raw, list) else []:
        if isinstance(one, dict):
            yield Withdrawn(*(str(one.get(field, "")) for field in Withdrawn._fields))
