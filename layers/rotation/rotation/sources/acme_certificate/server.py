"""An ACME server (RFC 8555), asked by whoever signs. What it says of an error is looked at by its type, and never passed on: it may
quote what was sent."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from rotation.core.errors import AdminLoginUnknown, RotationError, SourceLags, SourceRefused, SourceUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message

    from rotation.sources.acme_certificate.jws import Signer
    from rotation.sources.https import Host

NONCES = 6
"""So often a server may find a nonce too old; it has done nothing then."""
SOON_SECONDS = 60
"""For so long the machine's own tries wait."""
_NOT_THERE = (404, 410)
_TYPE = "urn:ietf:params:acme:error:"
_REFUSED = {
    "accountDoesNotExist": "it does not know the account",
    "alreadyRevoked": "the certificate is revoked already",
    "badCSR": "it does not take the request to sign: a name, or the sort of key",
    "badPublicKey": "it does not take the sort of the account's key",
    "badRevocationReason": "it does not revoke without a reason",
    "badSignatureAlgorithm": "it does not take the sort of the account's key",
    "caa": "a CAA record of the domain forbids this authority to issue: add it there",
    "connection": "it could not reach the name servers of the domain",
    "dns": "it did not find the TXT record: does the domain lead to the hosted zone source.zone?",
    "externalAccountRequired": "its accounts have to be bound to one of its own: make the account with that",
    "incorrectResponse": "it found no TXT record with our answer: does the domain lead to the hosted zone source.zone?",
    "malformed": "it does not understand what is asked",
    "orderNotReady": "the order is not ready",
    "rejectedIdentifier": "it does not issue for one of the names that the target asks for",
    "unauthorized": "the account may not do that",
    "unsupportedIdentifier": "it does not issue for one of the names that the target asks for",
    "userActionRequired": "a person has to agree to its terms anew with this account",
}
"""What each means, in our words."""


class Reply(NamedTuple):
    """What came back, understood or not."""

    status: int
    said: Mapping[str, Any]
    text: str
    location: str = ""
    waits: float | None = None
    """For how long it asks us to wait."""

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def problem(self) -> str:
        """The type of the error, of those that are known here."""
        return known(self.said) if not self.ok else ""


def known(said: object) -> str:
    """The type of a problem document, as far as it is one of those that are known here."""
    found = str(said.get("type")).removeprefix(_TYPE) if isinstance(said, dict) else ""
    return found if found in _REFUSED or found in ("badNonce", "rateLimited", "serverInternal") else ""


def meant(problem: str, status: int | None = None) -> str:
    """In our words."""
    said = _REFUSED.get(problem)
    return f"{said} ({problem})" if said else (f"HTTP {status}" if status is not None else "it does not say why")


class Asked(Protocol):
    """What can be asked: a server, or what stands in for one."""

    @property
    def name(self) -> str:
        """How messages call it."""

    @property
    def waits(self) -> float:
        """For how many seconds the last answer asked us to wait."""

    def url(self, what: str) -> str:
        """Of one of the places in its directory."""

    def ask(self, signer: Signer, url: str, what: str, payload: Mapping[str, Any] | None = None) -> Reply:
        """Our own error where nothing was answered, or what concerns the whole server. `what`: in words."""


class Server:
    """By its directory."""

    def __init__(self, directory: str, host: Host, now: Callable[[], float]) -> None:
        self._directory, self._host, self._now = directory, host, now
        self._places: Mapping[str, Any] = {}
        self._nonce = ""
        self.waits = 0.0

    @property
    def name(self) -> str:
        return f"ACME server {self._host.host}"

    def url(self, what: str) -> str:
        if not self._places:
            got = self._host.ask("GET", self._target(self._directory), "its directory")
            said = _object(got.data)
            if got.status >= 500:
                raise SourceUnreachable(f"{self.name}: HTTP {got.status}")
            if got.status != 200 or not isinstance(said.get("newOrder"), str):
                raise SourceRefused(
                    f"{self.name}: {urlsplit(self._directory).path} is no directory of an ACME server (HTTP {got.status}): correct"
                    " source.directory"
                )
            self._places = said
        if not isinstance(self._places.get(what), str):
            raise SourceRefused(f"{self.name}: its directory has no {what}")
        return str(self._places[what])

    def ask(self, signer: Signer, url: str, what: str, payload: Mapping[str, Any] | None = None) -> Reply:
        for _ in range(NONCES):
            reply = self._asked(signer, url, what, payload)
            self.waits = reply.waits or 0.0
            if reply.problem != "badNonce":
                return self._judged(reply, what)
        raise SourceUnreachable(f"{self.name}, {what}: it finds each nonce too old that it gives")

    def _asked(self, signer: Signer, url: str, what: str, payload: Mapping[str, Any] | None) -> Reply:
        body = signer.signed(url, self._next_nonce(), payload)
        headers = {"Content-Type": "application/jose+json"}
        got = self._host.ask("POST", self._target(url), what, body, headers)
        self._nonce = got.headers.get("Replay-Nonce", "")
        text = got.data.decode("utf-8", "replace")
        return Reply(got.status, _object(got.data), text, got.headers.get("Location", ""), self._waits(got.headers))

    def _next_nonce(self) -> str:
        nonce, self._nonce = self._nonce, ""
        if not nonce:
            got = self._host.ask("HEAD", self._target(self.url("newNonce")), "a nonce")
            nonce = got.headers.get("Replay-Nonce", "")
        if not nonce:
            raise SourceUnreachable(f"{self.name} gives no nonce")
        return nonce

    def _judged(self, reply: Reply, what: str) -> Reply:
        if reply.problem == "rateLimited" or reply.status == 429:
            raise self._too_many(reply, what)
        if reply.status >= 500 or reply.problem == "serverInternal":
            raise SourceUnreachable(f"{self.name}, {what}: HTTP {reply.status}")
        if reply.problem in ("accountDoesNotExist", "userActionRequired"):
            raise AdminLoginUnknown(f"{self.name}, {what}: {meant(reply.problem)}")
        if 300 <= reply.status < 400:
            raise SourceRefused(f"{self.name}, {what}: it sends to another address, where nobody is asked")
        if reply.ok and reply.text.lstrip().startswith("<"):
            raise SourceRefused(f"{self.name}, {what}: it answers with a page: is it an ACME server?")
        if not reply.ok and not reply.said and not (reply.status in _NOT_THERE and not reply.text.strip()):
            raise SourceUnreachable(f"{self.name}, {what}: HTTP {reply.status}, and what it answers is no ACME server's")
        return reply

    def _too_many(self, reply: Reply, what: str) -> RotationError:
        said = f"{self.name}, {what}: it says that there were too many requests (rate limit)"
        if reply.waits is not None and reply.waits <= SOON_SECONDS:
            return SourceLags(f"{said}, and to wait {reply.waits:.0f} s")
        until = "" if reply.waits is None else f", and to wait {reply.waits / 3600:.1f} hours"
        return SourceRefused(f"{said}{until}: start again then")

    def _waits(self, headers: Message) -> float | None:
        said = headers.get("Retry-After", "")
        if said.isdecimal():
            return float(said)
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - self._now())
        except (TypeError, ValueError):
            return None

    def _target(self, url: str) -> str:
        """Path and query. Nobody else is asked than the host that the target names."""
        place = urlsplit(url)
        if place.scheme != "https" or place.netloc.lower().removesuffix(":443") != self._host.host:
            raise SourceRefused(f"{self.name} names a place on another host, which is not asked")
        return f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"


def _object(data: bytes) -> Mapping[str, Any]:
    """Empty where it is no JSON object."""
    try:
        found = json.loads(data) if data else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
