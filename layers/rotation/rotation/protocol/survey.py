"""Look at the whole world once, changing nothing: labels, both secrets, every consumer, and who logs in."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

from rotation.core.errors import AdminLoginUnknown, SecretInvalid
from rotation.core.model import Credential, Labels, Password, Slot, Version
from rotation.core.record import AdminRecord, Record
from rotation.core.situation import Facts, Found
from rotation.ports import AdminSession, SecretStore, World
from rotation.protocol.intents import read_record

T = TypeVar("T")


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
    pending = read_record(world.slots, labels.pending) if labels.pending else None
    logins = Logins(world)
    held = [consumer.read().at_place_of(current.credential(current.active)) for consumer in world.credentials()]
    found = [Found(credential, logins.works(credential)) for credential in held]
    recorded, previous = [*([pending] if pending else []), current], partial(_previous, world.slots, labels)
    slots = {slot for record in recorded for slot in record.ring}
    accepted = {slot: logins.accepted(_candidates(slot, found, recorded, previous)) for slot in sorted(slots)}
    users = {current.credential(slot).username for slot in current.ring}
    chosen_by_use = bool(found) and (found[0].credential.username not in users or len(users) > 2)
    login, drifted = find_admin(world, logins, held) if admin or chosen_by_use else (None, None)
    if login is not None and login.username in users:
        raise SecretInvalid(f"secret {world.slots.name}: {login.username} is the database admin; a slot needs a user of its own")
    return Facts(
        rotation_id=rotation_id,
        labels=labels,
        current=current,
        pending=pending,
        owner_alive=pending is not None and _owner_alive(world, pending, labels, owner),
        file=found[0] if found else None,
        others=tuple(found[1:]),
        accepted=accepted,
        admin=login,
        admin_drifted=drifted,
        sessions=_sessions(world, login, current) if login is not None and chosen_by_use else {},
    )


class Admin(NamedTuple):
    """A login of the admin's that is known from somewhere."""

    credential: Credential
    drifted: str | None
    """What is current, where neither that nor what is pending holds this login."""


class AdminLogin:
    """The admin's login that works: what is current, else what was being made current, else what was current before. The first
    thing that is done with it finds it out: to try it before would be one more login. What was refused is not tried again."""

    def __init__(self, world: World, current: Version | None = None) -> None:
        """`current`: what is, where that was just looked at."""
        self._world = world
        self._candidates = _admins(world, current=current)
        self._tried: Admin | None = None

    @property
    def credential(self) -> Credential:
        """The one that works, once something was done with it."""
        self._tried = self._tried or _next(self._world, self._candidates)
        return self._tried.credential

    def ask(self, act: Callable[[Credential], T]) -> T:
        """What comes of it with the login that works."""
        while True:
            credential = self.credential
            try:
                return act(credential)
            except AdminLoginUnknown:
                self._tried = None

    @contextmanager
    def session(self) -> Iterator[AdminSession]:
        """On the writer, under our lock."""
        with ExitStack() as stack:
            yield self.ask(lambda admin: stack.enter_context(self._world.source.as_admin(admin)))


def find_admin(world: World, logins: "Logins", found: Iterable[Credential] = ()) -> Admin:
    """`found`: what consumers hold, tried last if it is the admin's; only a survey sees it."""
    candidates = _admins(world, found)
    while True:
        admin = _next(world, candidates)
        if logins.works(admin.credential):
            return admin


def _next(world: World, candidates: Iterator[Admin]) -> Admin:
    admin = next(candidates, None)
    if admin is None:
        raise AdminLoginUnknown(f"{world.target.name}: no password in {world.admin.name} logs in as the admin")
    return admin


def _admins(world: World, found: Iterable[Credential] = (), *, current: Version | None = None) -> Iterator[Admin]:
    """Each once; where the labels are is asked only after the login that is current was refused."""
    store = world.admin
    current = current or store.current()
    first = AdminRecord.parse(current.text, store.name).credential
    yield Admin(first, None)
    tried, labels = {first}, store.labels()
    recorded = dict.fromkeys(v for v in (labels.current, labels.pending, labels.previous) if v and v != current.id)
    known = ((version, AdminRecord.parse(store.read(version), store.name).credential) for version in recorded)
    for version, credential in chain(known, (("", one) for one in found)):
        if credential.username == first.username and credential not in tried:
            tried.add(credential)
            yield Admin(credential, None if version in (labels.current, labels.pending) else labels.current)


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


def _candidates(
    slot: Slot, found: list[Found], recorded: list[Record], previous: Callable[[], Iterator[Record]]
) -> Iterator[Credential]:
    """What the traffic uses; what was recorded last (what is current may be about to be discarded); what else is in use; and only
    then is it asked what was current before."""
    recorded = [record for record in recorded if slot in record.ring]
    newest = recorded[-1]
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


def _sessions(world: World, admin: Credential, current: Record) -> dict[Slot, int]:
    return {slot: world.source.activity(admin, current.credential(slot).username).sessions for slot in current.ring}


class Logins:
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
