"""The living world of an application that signs tokens: its keys, a JWKS in memory, and verifiers that go on for a while with what
they have read.

The shipped adapter works on the JWKS: to begin its session is to read it, and is the boundary that a lock is elsewhere. Only what a
key is made of is made up here: it is known by its name. Where a database fails over, somebody else changes the JWKS here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple
from unittest.mock import patch

from rotation.core.errors import SourceBusy
from rotation.core.findings import Finding, Severity
from rotation.core.jwk import Jwk, KeySet, to_text
from rotation.core.model import Credential, Password, SecretText, Slot
from rotation.core.seen import Activity, Server, SessionId
from rotation.kinds.target import parse_target
from rotation.sources.signing_key.adapter import Session, SigningKeys
from rotation.sources.signing_key.place import Published

from tests.worlds import invocation
from tests.worlds.invocation import Database, Invocation, Port, Ports
from tests.worlds.living import SESSION_SECONDS, STALE_SECONDS, LivingDatabase, LivingWorld
from tests.worlds.world import PASSWORDS, TARGET, USERS

CACHE_SECONDS = 6.0
"""For how long a verifier goes on with what it has read."""
LIFE_SECONDS = 40.0
"""Of a token: longer than the quiet period, so that it is what counts."""
SIGNER = USERS[Slot.A]
THEIRS = "theirs"
"""How names of somebody else's keys begin."""
BEHIND: dict[str, str] = {}
"""The password of each key's name."""


def named(password: str) -> str:
    """What a key is called: nobody could tell the password by it."""
    name = f"kid-{password[-6:]}"
    BEHIND[name] = password
    return name


def as_key(password: Password) -> Jwk:
    """What the shipped code would read in a password."""
    name = named(password.reveal())
    return {"kty": "OKP", "crv": "Ed25519", "x": to_text(name.encode()), "kid": name}


def another_s(name: str) -> dict[str, Any]:
    return {"kty": "of another kind", "kid": name, "note": [1, None]}


@contextmanager
def made_up_keys() -> Iterator[None]:
    """As long as one of these worlds is at work."""
    with patch("rotation.sources.signing_key.adapter.parse", as_key), patch("rotation.sources.signing_key.kind.parse", as_key):
        yield


class State(NamedTuple):
    """The JWKS, and what it was as long as verifiers may go on with that."""

    text: str
    put_at: float
    past: tuple[tuple[float, str], ...] = ()
    """Each with the moment at which it ended."""

    def alike(self, clock: float) -> Any:
        """To be compared: names by what they stand for, moments from now."""
        since = min(round(clock - self.put_at, 3), CACHE_SECONDS)
        return _names(self.text), since, [(round(clock - ended, 3), _names(text)) for ended, text in self.past]


def _names(text: str) -> list[str]:
    return [BEHIND.get(key["kid"], key["kid"]) for key in json.loads(text)["keys"]]


class Jwks:
    """It is a place as the adapter has them."""

    name, secret = "the JWKS", False

    def __init__(self, now: Callable[[], float], text: str = '{"keys": []}') -> None:
        self._now = now
        self.state = State(text, now() - 1000)

    def get(self) -> Published:
        return Published(SecretText(self.state.text), self._tag, self._now() - self.state.put_at, {})

    def put(self, text: Password, instead_of: Published) -> None:
        if instead_of.tag != self._tag:
            raise SourceBusy(f"{self.name} was changed by somebody else at the same moment")
        self.become(text.reveal())

    def look(self, _: float) -> Iterator[Finding]:
        yield Finding(Severity.OK, "source", f"{self.name} may be replaced")

    def become(self, text: str) -> None:
        self.state = State(text, self._now(), (*self.state.past, (self._now(), self.state.text)))

    def forget(self) -> None:
        """What no verifier goes on with any more."""
        past = tuple(one for one in self.state.past if self._now() - one[0] < CACHE_SECONDS)
        self.state = self.state._replace(past=past)

    def known(self) -> list[KeySet]:
        """What verifiers may go by now."""
        self.forget()
        return [KeySet.parse(SecretText(text), self.name) for text in (self.state.text, *(text for _, text in self.state.past))]

    @property
    def names(self) -> list[str]:
        return [key["kid"] for key in json.loads(self.state.text)["keys"]]

    @property
    def _tag(self) -> str:
        return blake2b(self.state.text.encode(), digest_size=8).hexdigest()


class Shipped(SigningKeys):
    """But for the signing itself."""

    def logs_in(self, credential: Credential) -> bool:
        return self._published().find(as_key(credential.password)) is not None

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)


class LivingKeys(LivingDatabase):
    """The accounts are what the laws look at: what the JWKS takes of the signer."""

    jwks: Jwks
    edited: Callable[[], None]
    """Told of what somebody else has put there."""

    def begun(self) -> None:
        self.jwks = Jwks(self._now)
        keys = KeySet({"keys": [another_s(THEIRS)]}).with_key(as_key(Password(PASSWORDS[Slot.A])))
        self.jwks.state = self.jwks.state._replace(text=keys.text().reveal())

    @property
    def shipped(self) -> Shipped:
        return Shipped(self.jwks, CACHE_SECONDS)

    def logs_in(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        return self.shipped.logs_in(credential)

    def refuses(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        return self.shipped.refuses(credential)

    def settles_in(self) -> float:
        return self.shipped.settles_in()

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[Any]:
        """Without boundaries."""
        yield Session(Seen(self, self.jwks.get()))

    def put(self, text: Password, instead_of: Published) -> None:
        before = self.jwks.state.text
        self.jwks.put(text, instead_of)
        if text != before:
            with self._journal.write("put the JWKS"):
                self.tell()

    def tell(self) -> None:
        """The newest of ours, and another one beside it."""
        account, ours = self.accounts[SIGNER], [BEHIND[name] for name in self.jwks.names if not name.startswith(THEIRS)]
        account.password = ours[-1] if ours else ""
        account.old = ours[-2] if len(ours) > 1 else None

    def fail_over(self) -> None:
        """Somebody else puts a key of his own there."""
        number = sum(name.startswith(THEIRS) for name in self.jwks.names) + 1
        keys = json.loads(self.jwks.state.text)
        self.jwks.become(json.dumps({**keys, "keys": [*keys["keys"], another_s(f"{THEIRS}-{number}")]}, indent=1))
        self.edited()

    @property
    def read_only(self) -> bool:
        return False

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        return self.shipped.sessions(admin, username)

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        self.shipped.end_sessions(admin, username, sessions)

    def activity(self, admin: Credential, username: str) -> Activity:
        return self.shipped.activity(admin, username)

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        return self.shipped.inspect(admin, users)

    def look(self, now: float) -> Iterator[Finding]:
        return self.shipped.look(now)


class Seen:
    """The JWKS as a session has found it."""

    name, secret = Jwks.name, Jwks.secret

    def __init__(self, database: LivingKeys, found: Published) -> None:
        self._database, self._found = database, found

    def get(self) -> Published:
        return self._found

    def put(self, text: Password, instead_of: Published) -> None:
        self._database.put(text, instead_of)

    def look(self, now: float) -> Iterator[Finding]:
        return self._database.look(now)


class KeysSession(invocation.Session):
    """What the session has been asked about, it knows again when it is only told the same again."""

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        needs = super().needs_discard(username, in_use, old)
        self._connection._retired = as_key(old)
        return needs


class Source(Database):
    _database: LivingKeys

    def settles_in(self) -> float:
        left: float = self._it.call(Port.DATABASE, "age of the JWKS", self._database.settles_in)
        return left

    @contextmanager
    def as_admin(self, _: Credential) -> Iterator[Any]:
        found: Published = self._it.call(Port.DATABASE, "lock", self._read)
        yield KeysSession(self._it, Session(Seen(self._database, found)))

    def _read(self) -> Published:
        """How old it is, no session asks."""
        return self._database.jwks.get()._replace(age_seconds=0.0)


class KeysPorts(Ports):
    def __init__(self, it: Invocation) -> None:
        super().__init__(it)
        self.source = Source(it)


class JwksWorld(LivingWorld):
    databases = LivingKeys
    source: LivingKeys
    life_seconds = LIFE_SECONDS
    """For how long somebody shows a token after it was signed."""

    def __init__(self) -> None:
        super().__init__(two_values=True, counts_logins=False)
        self.ports = KeysPorts
        self.target = parse_target(TARGET, json.dumps(DOCUMENT))

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        self.source.begun()
        self.source.edited = self._edited
        self.file.keeps_seconds = STALE_SECONDS + SESSION_SECONDS + LIFE_SECONDS

    def _connected(self) -> list[Credential]:
        """Whose tokens may still be shown to verifiers."""
        return list(dict.fromkeys(self.file.seen_within(STALE_SECONDS + self.life_seconds)))

    def accepts(self, user: Credential) -> bool:
        """Whether every verifier takes its tokens, whatever it goes by."""
        return self._of_another(user) or all(one.find(as_key(user.password)) for one in self.source.jwks.known())

    def taken(self, user: Credential) -> bool:
        """Whether any verifier does."""
        return any(one.find(as_key(user.password)) for one in self.source.jwks.known())

    def _of_another(self, user: Credential) -> bool:
        """The admin's, who is nobody here."""
        return user.username != SIGNER and super().accepts(user)

    def notes(self) -> set[str]:
        keys = json.loads(self.source.jwks.state.text)["keys"]
        return {f"note {json.dumps(key)}" for key in keys if key["kid"].startswith(THEIRS)}

    def _edited(self) -> None:
        """It is to stay."""
        self.remembers |= self.notes()

    def as_for_long(self) -> None:
        super().as_for_long()
        jwks = self.source.jwks
        jwks.state = State(jwks.state.text, self.clock - 1000)

    def beyond(self) -> tuple[Any, ...]:
        self.source.jwks.forget()
        return ((), (), None, self.source.jwks.state)

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.source.jwks.state = kept[3]

    def beyond_key(self) -> Any:
        return self.source.jwks.state.alike(self.clock)


DOCUMENT: dict[str, Any] = {
    "slot_secret": "slots",
    "source": {
        "kind": "signing-key",
        "jwks": "s3://verifiers/jwks.json",
        "jwks_cache_seconds": int(CACHE_SECONDS),
        "token_life_seconds": int(LIFE_SECONDS),
    },
    "consumers": [
        {"kind": "sqlconf", "path": "default/sqlconf.php"},
        {"kind": "secret", "cluster": "c", "namespace": "openemr", "name": "db"},
        {"kind": "deployment", "cluster": "c", "namespace": "openemr", "name": "openemr"},
    ],
    "drain": {"quiet_seconds": 20},
    "health": {"url": "https://openemr.example/login", "marker": "OpenEMR Login"},
}
