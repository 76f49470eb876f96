"""The shipped adapter of `acme-certificate` before an ACME server and a zone in the small world: each request that changes or tells
something is a boundary.

A certificate here is what it is in certified.py. That the server is asked as the protocol has it, and what it looks for, is for
tests/contract/test_acme_certificate.py, on a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from rotation.core.certificate import parts
from rotation.core.errors import SourceLags
from rotation.core.model import Credential, Password
from rotation.sources.acme_certificate.adapter import AcmeCertificates
from rotation.sources.acme_certificate.marks import marks
from rotation.sources.acme_certificate.server import Reply
from rotation.sources.acme_certificate.zone import Held

from tests.worlds.certified import AUTHORITY, DNS, NOW, YEAR, Small, made
from tests.worlds.invocation import Invocation, Port
from tests.worlds.keyed import Issued, KeyedPorts, KeyedWorld, Provider, Shipped, Terms

HOST = "https://acme.example"
ACCOUNT = f"{HOST}/account/1"
ADMIN = Credential(ACCOUNT, Password("canary-of-the-account-s-key-2f9dA"), "", None, "")
DAY = 86_400
SETTINGS: dict[str, Any] = {
    "directory": f"{HOST}/directory",
    "ca": "system",
    "zone": "Z0123456789",
    "authority": AUTHORITY,
    "common_name": DNS,
    "alt_names": [],
    "lasts_days": 100,
    "key": "ec-p256",
}
PLACES = {"newOrder": f"{HOST}/new-order", "revokeCert": f"{HOST}/revoke"}


class Signer(NamedTuple):
    """Who asks; nothing is signed here."""

    key: Password
    account: str = ""

    def answer(self, token: str) -> str:
        return f"answer-{token}"


class Ordered(NamedTuple):
    """An order: the server's, not ours."""

    number: int
    status: str = "pending"
    certificate: str = ""
    """Its serial number."""


class Zoned(NamedTuple):
    """The server's orders, and what stands in the zone, as a value."""

    orders: tuple[Ordered, ...]
    values: tuple[str, ...]

    def alike(self, _: float) -> Any:
        """An order that nobody has marked is nobody's any more."""
        marked = {mark.order for mark in marks(self.values)}
        return [one for one in self.orders if f"{HOST}/order/{one.number}" in marked], sorted(self.values)


class Zone:
    """What stands under the one name."""

    def __init__(self, it: Invocation, provider: AcmeProvider) -> None:
        self._it, self._provider = it, provider

    def check(self, names: Iterable[str]) -> None:
        """It is the right one."""

    def read(self, _: str) -> Held:
        values: tuple[str, ...] = self._it.call(Port.PROVIDER, "read the zone", self._provider.records)
        return Held(values)

    def swap(self, seen: Mapping[str, Held], wanted: Mapping[str, Iterable[str]]) -> str:
        for name, values in wanted.items():
            new = tuple(values)
            if set(new) != set(seen[name].values):
                self._it.call(Port.PROVIDER, "change the zone", lambda old=seen[name].values, new=new: self._provider.put(old, new))  # type: ignore[misc]
                return "change"
        return ""

    def is_known(self, _: str) -> bool:
        return True


class Acme:
    """The server."""

    name = "ACME server acme.example"
    waits = 0.0

    def __init__(self, it: Invocation, provider: AcmeProvider) -> None:
        self._it, self._provider = it, provider

    def url(self, what: str) -> str:
        return PLACES[what]

    def ask(self, signer: Signer, url: str, what: str, payload: Mapping[str, Any] | None = None) -> Reply:
        act, _, number = url.removeprefix(f"{HOST}/").partition("/")
        if act == "account":
            return _said(status="valid")
        if act == "revoke":
            said = written_in((payload or {})["certificate"])
            return self._it.call(Port.PROVIDER, f"delete {said['serial']}", lambda: self._provider.revoke(said, signer))
        asked = {
            "new-order": self._provider.order,
            "challenge": lambda: self._provider.look(int(number)),
            "finalize": lambda: self._provider.finalize(int(number), payload or {}),
            "order": lambda: self._provider.shown(int(number)),
        }
        if act in asked:
            words = {"finalize": "issue", "order": f"look up {number}"}
            reply: Reply = self._it.call(Port.PROVIDER, words.get(act, act), asked[act])
            if act == "finalize" and reply.ok:
                self._it.seen.issued.add(reply.said["issued"])
            return reply
        told = {"authorization": self._provider.authorization, "certificate": self._provider.certificate}[act]
        noted: Reply = self._it.note(lambda: told(int(number)))
        return noted


def written_in(pem: str) -> dict[str, str]:
    """What a certificate says here."""
    said: dict[str, str] = json.loads("".join(pem.strip().splitlines()[1:-1]))
    return said


def _said(status_code: int = 200, text: str = "", location: str = "", **said: Any) -> Reply:
    return Reply(status_code, said, text, location)


def _problem(kind: str) -> Reply:
    return _said(400, type=f"urn:ietf:params:acme:error:{kind}")


class AcmeProvider(Provider):
    """What the server has, and what stands in the zone. It shows no certificate that is revoked."""

    orders: tuple[Ordered, ...] = ()
    values: tuple[str, ...] = ('"somebody\'s"',)

    def records(self) -> tuple[str, ...]:
        self._journal.look("keys")
        return self.values

    def put(self, seen: tuple[str, ...], values: tuple[str, ...]) -> None:
        if set(seen) != set(self.values):
            raise SourceLags("somebody else changed the same record at the same moment")
        with self._journal.write("zone"):
            self.values = values

    def order(self) -> Reply:
        made = Ordered(len(self.orders) + 1)
        with self._journal.write("order"):
            self.orders = (*self.orders, made)
        return self._order(made, 201)

    def shown(self, number: int) -> Reply:
        self._journal.look("keys")
        return self._order(self.orders[number - 1])

    def _order(self, one: Ordered, code: int = 200) -> Reply:
        at = f"{one.number}"
        certificate = {"certificate": f"{HOST}/certificate/{at}"} if one.certificate else {}
        return _said(
            code,
            location=f"{HOST}/order/{at}",
            status=one.status,
            identifiers=[{"type": "dns", "value": DNS}],
            authorizations=[f"{HOST}/authorization/{at}"],
            finalize=f"{HOST}/finalize/{at}",
            **certificate,
        )

    def authorization(self, number: int) -> Reply:
        found = self.orders[number - 1].status
        status = found if found in ("pending", "invalid") else "valid"
        challenge = {"type": "dns-01", "url": f"{HOST}/challenge/{number}", "token": f"token-{number}"}
        return _said(status=status, identifier={"value": DNS}, challenges=[challenge])

    def look(self, number: int) -> Reply:
        """The answer has to be there, or nothing comes of the order any more."""
        if self.orders[number - 1].status == "pending":
            self._set(Ordered(number, "ready" if f'"answer-token-{number}"' in self.values else "invalid"))
        return _said(status="processing")

    def _set(self, one: Ordered) -> None:
        with self._journal.write("order"):
            self.orders = (*self.orders[: one.number - 1], one, *self.orders[one.number :])

    def finalize(self, number: int, payload: Mapping[str, Any]) -> Reply:
        if self.orders[number - 1].status != "ready":
            return _problem("orderNotReady")
        public = json.loads(payload["csr"])["public"]
        signed = made("Key-" + public[-6:], "", public)
        with self._journal.write("issue"):
            one = Issued(signed.username, signed.password.reveal(), self._now(), name="ours")
            self.kept = self.kept._replace(there=(*self.kept.there, one))
            self._set(Ordered(number, "valid", signed.username))
        return _said(status="processing", issued=signed.username)

    def certificate(self, number: int) -> Reply:
        named = self.orders[number - 1].certificate
        for key in self.kept.there:
            if key.id == named:
                return _said(text=f"{parts(Password(key.secret))[0]}ago={self._now() - key.made}")
        return _said(404)

    def revoke(self, said: Mapping[str, str], signer: Signer) -> Reply:
        if not signer.account and said["public"] not in signer.key.reveal():
            return _problem("unauthorized")
        if any(one.id == said["serial"] for one in self.kept.deleted):
            return _problem("alreadyRevoked")
        if not any(one.id == said["serial"] for one in self.kept.there):
            return _problem("malformed")
        self.delete(None, said["serial"])
        return _said()


class Acmed(Shipped):
    """Which certificate was tried, is known."""

    def __init__(self, it: Invocation, provider: AcmeProvider) -> None:
        self._it, self._admin = it, ADMIN
        world: Any = it.world
        small = Small(lambda: str(it.note(world.next_password)), world.lasts_seconds)
        zone: Any = Zone(it, provider)
        server: Any = Acme(it, provider)
        self._keys = AcmeCertificates(SETTINGS, server, zone, 50.0 * DAY, small)
        self._keys.clock, self._keys.signs = SimpleNamespace(now=lambda: NOW, sleep=_never), Signer
        self._keys.encoded = str
        self.limit, self.named, self.dedicated = self._keys.limit, self._keys.named, self._keys.dedicated

    def logs_in(self, credential: Credential) -> bool:
        works = self._keys.logs_in(credential)
        if works:
            self._it.seen.proven.add(credential)
        return works

    def refuses(self, credential: Credential) -> bool:
        return self._keys.refuses(credential)


def _never(_: float) -> None:
    raise AssertionError("nothing is waited for here")


class AcmePorts(KeyedPorts):
    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self.source = Acmed(invocation, self._living.source)


class AcmeWorld(KeyedWorld):
    """Besides ours a person's certificate of the same server, and somebody's value in the zone. The first was not ours to order."""

    databases = AcmeProvider
    lasts_seconds = YEAR
    """From now on, every certificate."""
    first = made("Key-000000", "", "canary-of-the-first-certificate-5b1cC")
    theirs = made("Key-999999", "theirs", "canary-of-a-persons-certificate-90aeC")

    def __init__(self) -> None:
        super().__init__(Terms(limit=None, named=True, dedicated=False, deactivates=False), persons=True)
        self.ports = AcmePorts

    def beyond(self) -> tuple[Any, ...]:
        return (*super().beyond(), Zoned(self.source.orders, self.source.values))

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        *rest, (self.source.orders, self.source.values) = kept
        super().restore_beyond(tuple(rest))

    def beyond_key(self) -> Any:
        return super().beyond_key(), Zoned(self.source.orders, self.source.values).alike(self.clock)
