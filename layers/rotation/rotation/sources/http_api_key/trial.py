"""Whether a description is true: its list is asked for and keys are tried, part by part. Nothing is issued, nothing withdrawn."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rotation.core.errors import RotationError
from rotation.core.findings import Finding, Severity
from rotation.core.keys import mark_of, name_of
from rotation.core.keys import said as described
from rotation.core.model import Credential, Password
from rotation.sources.http_api_key import answers

if TYPE_CHECKING:
    from rotation.core.seen import Key
    from rotation.sources.http_api_key.adapter import HttpApiKeys

SHOWN = 5
PARTS = ("name", "created", "used", "active")


class Trial:
    """Of one target's description. `admin` and `key`: None where they are not known."""

    def __init__(self, source: HttpApiKeys, admin: Credential | None, key: Credential | None) -> None:
        self._source, self._admin, self._key = source, admin, key

    def look(self) -> Iterator[Finding]:
        yield from self._cannot()
        yield from self._list()
        yield from self._try()
        yield from self._not_done()

    def _cannot(self) -> Iterator[Finding]:
        for what, why in self._source.told.cannot.items():
            yield Finding(Severity.SKIPPED, what, f"not described: {why}")

    def _list(self) -> Iterator[Finding]:
        said = self._source.told.calls["list"].said
        try:
            items = list(self._source.listed(self._admin))
            keys = [self._source.key(one) for one in items]
        except RotationError as error:
            yield _failed("list", error)
            return
        named = ", ".join(f"{described(key)}{f' {key.name!r}' if key.name else ''}" for key in keys[:SHOWN])
        more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
        yield Finding(Severity.OK, "list", f"{len(keys)} keys: {named}{more}" if keys else "no keys")
        yield from (self._part(part, said[part], items) for part in PARTS if part in said)
        yield from self._known(keys)

    @staticmethod
    def _part(part: str, place: Any, items: Sequence[Any]) -> Finding:
        """A place that no key has is a wrong one, or of what never happened yet."""
        sign = place if isinstance(place, Mapping) else {"at": place}
        there = sum(answers.shows(one, {"at": sign["at"]}) for one in items)
        found = f"{sign['at']}: {there} of {len(items)} keys have it"
        if there or not items:
            return Finding(
                Severity.OK if there else Severity.SKIPPED, f"list.{part}", found if items else "there is no key to see it of"
            )
        mend = "right if no key was used yet, as far as it tells" if part == "used" else f"correct list.{part} in the description"
        return Finding(Severity.WARNING, f"list.{part}", found, mend)

    def _known(self, keys: Sequence[Key]) -> Iterator[Finding]:
        if self._key is not None and all(key.id != self._key.username for key in keys):
            mend = "a key's user name in the record has to be its id, as the list has it at list.id"
            yield Finding(Severity.FAILED, "list.id", f"the key in use, {self._key.username}, is not listed", mend)

    def _try(self) -> Iterator[Finding]:
        if self._key is None:
            yield Finding(Severity.SKIPPED, "try.accepted", "the record has no key, or may not be read here")
        else:
            yield self._tried("try.accepted", self._key, accepted=True)
        yield self._tried("try.refused", made_up(self._key), accepted=False)

    def _tried(self, what: str, key: Credential, *, accepted: bool) -> Finding:
        whose = "the key in use" if accepted else "a key that nobody issued"
        try:
            found = self._source.logs_in(key)
        except RotationError as error:
            return _failed(what, error)
        if found is accepted:
            return Finding(Severity.OK, what, f"{whose} is {'taken' if found else 'refused'}")
        mend = "correct try: its path has to be one that takes a valid key" if found else "correct the record, or try.accepted"
        return Finding(Severity.FAILED, what, f"{whose} is {'taken' if found else 'refused'}", mend)

    def _not_done(self) -> Iterator[Finding]:
        """What would be sent; nothing secret is in an address or a body."""
        admin = self._admin or Credential("the admin", Password(""), "", None, "")
        name = name_of(mark_of(self._source.target, ""), "")
        for what in ("issue", "deactivate", "delete"):
            if what in self._source.told.calls:
                request = self._source.request(what, admin, {"name": name, "id": "ID"} if what == "issue" else {"id": "ID"})
                body = f" with {request.body.decode()}" if request.body else ""
                found = f"not done; would ask {request.method} https://{self._source.host}{request.target}{body}"
                yield Finding(Severity.SKIPPED, what, found)


def made_up(like: Credential | None) -> Credential:
    """As long as one that there is, and with its beginning, by which providers tell what sort of key it is."""
    secret = like.password.reveal() if like else "x" * 32
    kept = secret[: min(6, len(secret) // 4)]
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    drawn = "".join(secrets.choice(alphabet) for _ in secret[len(kept) :])
    return Credential(like.username if like else "nobody", Password(kept + drawn), "", None, "")


def _failed(what: str, error: RotationError) -> Finding:
    return Finding(Severity.FAILED, what, f"{type(error).__name__}: {error}")
