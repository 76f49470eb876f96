"""Who logs in: which of the known credentials, each tried once, and which of the admin's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rotation.core.errors import AdminLoginUnknown, SecretInvalid
from rotation.core.model import NO_KEY
from rotation.core.record import AdminRecord

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password, SecretText, Version
    from rotation.ports import AdminSession, World

T = TypeVar("T")


class Logins:
    """Which credentials log in, each asked once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[Credential, bool] = {}

    def works(self, credential: Credential) -> bool:
        if credential.is_none:
            return False
        if credential not in self._known:
            self._known[credential] = self._world.source.logs_in(credential)
        return self._known[credential]

    def accepted(self, candidates: Iterable[Credential]) -> Password | None:
        return next((c.password for c in candidates if self.works(c)), None)


class Known(NamedTuple):
    """A login of the admin's that is known from somewhere."""

    credential: Credential
    drifted: str | None
    """What is current, where neither that nor what is pending holds this login."""


class AdminLogin:
    """The admin's login that works: what is current, else what was being made current, else what was current before. The first
    thing that is done with it finds it out: to try it before would be one more login. What was refused is not tried again."""

    def __init__(self, world: World, current: Version | None = None, found: Iterable[Credential] = ()) -> None:
        """`current`: what is, where that was just looked at. `found`: what consumers hold, tried last if it is the admin's; only a
        survey sees it."""
        self._world = world
        self._others = _known(world, current, found)
        self._known: Known | None = None
        self._why = ""

    @property
    def known(self) -> Known:
        """The one that works, once something was done with it."""
        self._known = self._known or next(self._others, None)
        if self._known is None:
            target, name = self._world.target, self._world.admin.name
            out = "" if target.rotates_admin else ": the target that rotates it has to mend that (rotates_admin)"
            why = f". {self._why}" if self._why and target.source.known.issues_keys else ""
            raise AdminLoginUnknown(f"{target.name}: no password in {name} logs in as the admin{out}{why}")
        return self._known

    @property
    def credential(self) -> Credential:
        return self.known.credential

    def ask(self, act: Callable[[Credential], T]) -> T:
        """What comes of it with the login that works."""
        while True:
            credential = self.credential
            try:
                return act(credential)
            except AdminLoginUnknown as error:
                self.refused(str(error))

    def refused(self, why: str = "") -> None:
        """Whoever asks next gets another."""
        self._known, self._why = None, why

    @contextmanager
    def session(self) -> Iterator[AdminSession]:
        """On the writer, under our lock."""
        with ExitStack() as stack:
            yield self.ask(lambda admin: stack.enter_context(self._world.source.as_admin(admin)))


def find_admin(world: World, logins: Logins, found: Iterable[Credential] = ()) -> AdminLogin:
    """The same, tried before anything is done with it."""
    admin = AdminLogin(world, found=found)
    while world.target.source.known.needs_admin and not logins.works(admin.credential):
        admin.refused()
    return admin


def admin_record(world: World, text: SecretText) -> AdminRecord:
    """What the admin's secret says. Of a database it says where that is; what may issue keys needs no place."""
    record = AdminRecord.parse(text, world.admin.name)
    try:
        if not world.target.source.known.issues_keys:
            record.need_place()
    except SecretInvalid as error:
        raise SecretInvalid(f"secret {world.admin.name}: {error}") from None
    return record


def _known(world: World, current: Version | None, found: Iterable[Credential]) -> Iterator[Known]:
    """Each once. Where the labels are is asked only after the login that is current was refused; and again in the end, since
    whoever rotates it may just have made another one current. Where there is none, the function's own role may do what it does."""
    if not world.target.source.known.needs_admin:
        yield Known(NO_KEY, None)
        return
    store = world.admin
    current = current or store.current()
    first = admin_record(world, current.text).credential
    yield Known(first, None)
    tried, seen = {first}, None
    while (labels := store.labels()) != seen:
        seen, versions = labels, dict.fromkeys(v for v in (labels.current, labels.pending, labels.previous) if v)
        recorded = ((version, admin_record(world, store.read(version)).credential) for version in versions)
        for version, credential in chain(recorded, (("", one) for one in found)):
            if credential.username == first.username and credential not in tried:
                tried.add(credential)
                yield Known(credential, None if version in (labels.current, labels.pending) else labels.current)
