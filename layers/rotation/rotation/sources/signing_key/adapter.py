"""Source of JWT signing keys: a signer's key works as long as what verifies it is in the JWKS that verifiers read. That is its
public part; of HS256 the key itself, in a place that nobody else reads.

There is no admin and no lock: the JWKS is replaced only if it still is what it was when the session began, which is before anybody
looked whether the rotation is ours. So a call that comes late replaces nothing. Verifiers go on with a JWKS that they have read:
what was added or taken out is true for all of them only after that time (`settles_in`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rotation.core.errors import PrimaryUnknown, SecretInvalid
from rotation.core.jwk import KeySet, kid, parse, thumbprint
from rotation.core.seen import Activity, Server, SessionId
from rotation.sources.signing_key.place import Place, Published, S3Object

if TYPE_CHECKING:
    from rotation.core.findings import Finding
    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

NOBODY = Activity(0, None)
"""Whoever verifies a token asks nobody."""


def make(settings: Settings, here: Surroundings) -> SigningKeys:
    """As the target names it."""
    return SigningKeys(_place(settings, here), settings["jwks_cache_seconds"])


def _place(settings: Settings, here: Surroundings) -> Place:
    if "vault" not in settings:
        return S3Object(settings["jwks"])
    from rotation.sources.signing_key.in_vault import in_vault  # who has it in S3 speaks to no Vault

    return in_vault(settings["vault"], here.jwks_hosts)


def _read(found: Published, place: Place) -> KeySet:
    return KeySet.parse(found.text, place.name, secret=place.secret)


class SigningKeys:
    """The JWKS of one signer, and of whoever else has keys in it."""

    def __init__(self, place: Place, cache_seconds: float) -> None:
        """`cache_seconds`: for how long a verifier may go on with what it has read."""
        self._place, self._cache_seconds = place, cache_seconds

    def logs_in(self, credential: Credential) -> bool:
        """Whether the JWKS as it is now verifies a token that is signed with it here."""
        from rotation.sources.signing_key.signing import accepts

        published = self._published()
        try:
            return accepts(published, credential.password)
        except SecretInvalid:
            return False  # what is no key signs nothing

    def refuses(self, credential: Credential) -> bool:
        """Whether none of the keys there verifies its token, whatever they are called. (Asked when nothing is left to settle.)"""
        from rotation.sources.signing_key.signing import refuses

        return refuses(self._published(), credential.password)

    def settles_in(self) -> float:
        """From what was put last, by whomever: others' changes make it longer, never shorter."""
        return max(0.0, self._cache_seconds - self._place.get().age_seconds)

    @contextmanager
    def as_admin(self, _: Credential) -> Iterator[Session]:
        """What is there now is what may be replaced."""
        yield Session(self._place)

    def activity(self, _: Credential, username: str) -> Activity:  # noqa: ARG002 - of whomever
        return NOBODY

    def inspect(self, _: Credential, users: Sequence[str]) -> Server:  # noqa: ARG002 - whoever signs
        found = self._place.get()
        published = _read(found, self._place)
        what = "keys" if self._place.secret else "public keys"
        return Server(
            version="",
            tls="",
            lacking=(),
            without_tls=(),
            dual_passwords=True,
            counts_logins=True,
            ends_sessions=True,
            now=None,
            said=f"{self._place.name} is a JWKS of {len(published)} {what}, {found.age_seconds:.0f} s old",
            remarks=tuple(self._remarks(found)),
        )

    def _remarks(self, found: Published) -> Iterator[tuple[str, str]]:
        kept = found.may_be_kept
        if kept is not None and kept > self._cache_seconds:
            yield (
                f"its Cache-Control lets verifiers keep it for {kept} s, and jwks_cache_seconds is {self._cache_seconds:.0f}",
                "set jwks_cache_seconds to the longest that any verifier, or a cache before it, keeps what it has read",
            )

    def sessions(self, _: Credential, username: str) -> list[SessionId]:  # noqa: ARG002 - of whomever
        return []

    def end_sessions(self, _: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        """A token is nobody's session: what ends it is that its key is gone."""

    def look(self, now: float) -> Iterator[Finding]:
        """What mode verify asks of whoever may replace it."""
        return self._place.look(now)

    def _published(self) -> KeySet:
        return _read(self._place.get(), self._place)


class Session:
    """The JWKS as it was when this began."""

    dual_passwords = True

    def __init__(self, place: Place) -> None:
        self._place = place
        self._found = place.get()
        self._set = _read(self._found, place)
        self._retired: Any = None
        """The key that the question was about whether it is to be taken out: no other one is ours to take."""

    def activity(self, username: str) -> Activity:  # noqa: ARG002 - of whomever
        return NOBODY

    def exists(self, username: str) -> bool:  # noqa: ARG002 - a signer is whoever has a key
        return True

    def create_user(self, credential: Credential, like: Credential) -> None:  # noqa: ARG002 - nothing to be like
        self.set_password(credential.username, credential.password, retain=True)

    def copy_grants(self, user: Credential, like: Credential) -> bool:  # noqa: ARG002 - a key has none
        return False

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        self._need(username, in_use)
        key = parse(new)
        if thumbprint(key) == thumbprint(parse(in_use)):
            raise SecretInvalid(f"the record has one key of {username} in both slots: put another into the slot that is not active")
        self._set.check_name(key, self._place.name)
        return self._set.find(key) is None

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:  # noqa: ARG002 - the others always stay
        key = parse(password)
        self._set.check_name(key, self._place.name)
        self._replace(self._set.with_key(key))

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        self._need(username, in_use)
        self._retired = parse(old)
        return self._set.find(self._retired) is not None and thumbprint(self._retired) != thumbprint(parse(in_use))

    def discard_old_password(self, username: str, keep: Password) -> None:
        if self._retired is None:
            return  # nobody has asked about one: whatever else is there is not ours
        self._need(username, keep)
        self._replace(self._set.without(self._retired))

    def _need(self, username: str, in_use: Password) -> None:
        if self._set.find(parse(in_use)) is None:
            name = kid(parse(in_use))
            raise PrimaryUnknown(
                f"{self._place.name} does not have the key that {username} signs with ({name}). Somebody took it out: start mode"
                " sync-users, which puts it back"
            )

    def _replace(self, wanted: KeySet) -> None:
        """Only what this session saw is replaced."""
        if wanted is not self._set:
            self._place.put(wanted.text(), self._found)
