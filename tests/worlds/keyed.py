"""The living world of an application that works with a key that a provider issues, and reads it from a path of a Vault.

The provider may show late what it was told: for a while it neither lists nor takes a new key, and takes an ended one. It keeps its
limit, and what people made there is not ours to touch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rotation.core.errors import SourceLags
from rotation.core.model import NO_KEY, Credential, Password, SecretText, Slot
from rotation.core.record import KEYS
from rotation.core.seen import Key
from rotation.kinds.target import parse_target

from tests.worlds.invocation import Invocation, Port
from tests.worlds.living import LivingDatabase
from tests.worlds.vaulted import CACHE_SECONDS, DOCUMENT, VaultPorts, VaultWorld
from tests.worlds.world import TARGET

FIRST = NO_KEY.with_login("Key-000000", Password("canary-of-the-first-key-5b1cK"))
PERSONS = NO_KEY.with_login("Key-999999", Password("canary-of-a-persons-key-90aeP"))
USER = "shop"
LAGS_FOR = 3.0


class Issued(NamedTuple):
    """A key, as the provider has it."""

    id: str
    secret: str
    made: float
    ended: float | None = None
    """When it was deactivated."""
    name: str = ""
    persons: bool = False
    used: float | None = None


class Terms(NamedTuple):
    """What sort of provider it is."""

    limit: int | None = 2
    named: bool = False
    dedicated: bool = True
    lags: float = 0.0
    deactivates: bool = True


class Keys(NamedTuple):
    """All that there is of it, as a value. The deleted ones are still taken for a while, where the provider lags."""

    there: tuple[Issued, ...]
    deleted: tuple[Issued, ...] = ()
    lags: float = 0.0

    def alike(self, clock: float, quiet: float) -> Any:
        """To be compared: moments as so long ago, and only as far as anybody asks."""

        lags = self.lags

        def said(key: Issued) -> Any:
            used = None if key.used is None else min(round(clock - key.used, 3), quiet)
            made = min(round(clock - key.made, 3), lags)
            ended = None if key.ended is None else min(round(clock - key.ended, 3), lags)
            return (key.id, key.secret, made, ended, key.name != "", key.persons, used)

        gone = [one for one in self.deleted if one.ended is not None and clock - one.ended < lags]
        return [said(one) for one in self.there], [said(one) for one in gone]


class Provider(LivingDatabase):
    """KeyProvider in memory, over whose keys time passes."""

    terms = Terms()
    kept = Keys(())

    @property
    def limit(self) -> int | None:
        return self.terms.limit

    @property
    def named(self) -> bool:
        return self.terms.named

    @property
    def dedicated(self) -> bool:
        return self.terms.dedicated

    def takes(self, credential: Credential, *, now: bool = False) -> bool:
        """`now`: all of the provider does, whatever some of it does not know yet."""
        lags = 0.0 if now else self.terms.lags
        for key in (*self.kept.there, *self.kept.deleted):
            if (key.id, key.secret) == (credential.username, credential.password.reveal()):
                begun = self._now() - key.made >= lags
                return begun and (key.ended is None or self._now() - key.ended < lags)
        return False

    def logs_in(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        return self.takes(credential)

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def check(self, admin: Credential | None) -> None:
        """Nothing keeps anybody from anything."""

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        self._journal.look("keys")
        now = self._now()
        return tuple(
            Key(key.id, now - key.made, None if key.used is None else now - key.used, key.ended is None, key.name)
            for key in self.kept.there
            if now - key.made >= self.terms.lags
        )

    def add(self, secret: str, name: str) -> Credential:
        if self.terms.limit is not None and len(self.kept.there) >= self.terms.limit:
            raise SourceLags("it has as many keys as it allows")
        with self._journal.write("issue"):
            made = Issued("Key-" + secret[-6:], secret, self._now(), name=name if self.terms.named else "")
            self.kept = self.kept._replace(there=(*self.kept.there, made))
        return NO_KEY.with_login(made.id, Password(secret))

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002
        if not self.terms.deactivates:
            return False
        if any(key.id == id and key.ended is None for key in self.kept.there):
            with self._journal.write(f"deactivate {id}"):
                ended = tuple(key._replace(ended=self._now()) if key.id == id else key for key in self.kept.there)
                self.kept = self.kept._replace(there=ended)
        return True

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002
        gone = [key for key in self.kept.there if key.id == id]
        if gone:
            with self._journal.write(f"delete {id}"):
                ended = tuple(key._replace(ended=self._now() if key.ended is None else key.ended) for key in gone)
                left = tuple(key for key in self.kept.there if key.id != id)
                self.kept = self.kept._replace(there=left, deleted=(*self.kept.deleted, *ended))

    def use(self, used: dict[str, float]) -> None:
        """Those keys were used until then."""
        there = tuple(key._replace(used=used.get(key.id, key.used)) for key in self.kept.there)
        self.kept = self.kept._replace(there=there)


class Calls:
    """The port of one invocation."""

    def __init__(self, it: Invocation, provider: Provider) -> None:
        self._it, self._provider = it, provider
        self.limit, self.named, self.dedicated = provider.limit, provider.named, provider.dedicated

    def logs_in(self, credential: Credential) -> bool:
        works: bool = self._it.call(Port.PROVIDER, f"login {credential.username}", lambda: self._provider.logs_in(credential))
        if works:
            self._it.seen.proven.add(credential)
        return works

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def check(self, admin: Credential | None) -> None:
        """It changes nothing, and every listing has it before it."""

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        found: Sequence[Key] = self._it.call(Port.PROVIDER, "list keys", lambda: self._provider.keys(admin))
        return found

    def issue(self, admin: Credential | None, name: str) -> Credential:
        made: Credential = self._it.call(Port.PROVIDER, "issue", lambda: self._provider.add(self._it.world.next_password(), name))
        self._it.seen.issued.add(made.username)
        return made

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002
        done: bool = self._it.call(Port.PROVIDER, f"deactivate {id}", lambda: self._provider.deactivate(admin, id))
        return done

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002
        self._it.call(Port.PROVIDER, f"delete {id}", lambda: self._provider.delete(admin, id))


class Shipped:
    """The port as a shipped adapter has it, asked as the admin that its target names, whom this world does not know."""

    _keys: Any
    _admin: Credential

    def check(self, _: Credential | None) -> None:
        self._keys.check(self._admin)

    def keys(self, _: Credential | None) -> Sequence[Key]:
        found: Sequence[Key] = self._keys.keys(self._admin)
        return found

    def issue(self, _: Credential | None, name: str) -> Credential:
        issued: Credential = self._keys.issue(self._admin, name)
        return issued

    def deactivate(self, _: Credential | None, id: str) -> bool:  # noqa: A002 - as the port has it
        done: bool = self._keys.deactivate(self._admin, id)
        return done

    def delete(self, _: Credential | None, id: str) -> None:  # noqa: A002
        self._keys.delete(self._admin, id)


class KeyedPorts(VaultPorts):
    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self.source: Any = Calls(invocation, self._living.source)

    @property
    def provider(self) -> Any:
        return self.source


class KeyedWorld(VaultWorld):
    """At first the application works with the key of slot A, and slot B holds none."""

    databases = Provider
    source: Provider
    first, theirs = FIRST, PERSONS

    def __init__(self, terms: Terms | None = None, *, persons: bool = False, record: dict[str, Any] | None = None) -> None:
        """`record`: what its slots say, where that is not the first key alone. `persons`: a key is there that a person made."""
        super().__init__()
        self.ports = KeyedPorts
        given = {"source": {"kind": "iam-access-key", "user": USER, "dedicated": True}}
        document = {key: value for key, value in DOCUMENT.items() if key != "admin_secret"} | given
        self.target = parse_target(TARGET, json.dumps(document))
        first = {"username": self.first.username, "password": self.first.password.reveal()}
        slots = record if record is not None else {"A": first, "B": {}}
        self.slots.versions["v0"]["secret_string"] = json.dumps({"active_slot": "A", "turns": KEYS, **slots})
        self.source.accounts = {}
        self.source.dual_passwords = False
        self.source.terms = terms or Terms()
        long_ago = self.clock - 1_000_000.0
        ours = Issued(self.first.username, self.first.password.reveal(), long_ago)
        theirs = Issued(self.theirs.username, self.theirs.password.reveal(), long_ago, name="theirs", persons=True)
        self.source.kept = Keys((ours, *((theirs,) if persons else ())), lags=self.source.terms.lags)
        self.application_uses(replace(self.first, host="db.example", port=3306, dbname="openemr"))
        self.pass_time(0.0)

    @property
    def provider(self) -> Provider:
        return self.source

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        if isinstance(self.source, Provider):
            jobs = [self.job] if self.job else []
            self.source.use({one.username: min(self.clock, until) for until, one in (*self.seen(), *jobs)})

    def accepts(self, user: Credential) -> bool:
        """The admin is nobody here: the functions' own role is."""
        return user.username == "master" or self.source.takes(user)

    def beyond(self) -> tuple[Any, ...]:
        return (*super().beyond(), self.source.kept)

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        *vaults, self.source.kept = kept
        super().restore_beyond(tuple(vaults))

    def beyond_key(self) -> Any:
        return super().beyond_key(), self.source.kept.alike(self.clock, self.target.quiet_seconds)

    def person_puts(self, **slots: Any) -> None:
        """The record, as somebody at the console writes it."""
        content = json.loads(self.slots.versions[self.slots.labels().current]["secret_string"])
        self.slots.put(f"theirs-{len(self.slots.versions)}", SecretText(json.dumps({**content, **slots})))


def empty() -> dict[str, Any]:
    """What Terraform puts: no key is known."""
    return {str(Slot.A): {}, str(Slot.B): {}}


assert CACHE_SECONDS > LAGS_FOR
