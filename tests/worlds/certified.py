"""The shipped adapter of `certificate` before a PKI in the small world: each request that it makes is a boundary.

A certificate here is its serial number, its name and its key's name as text in a PEM block; that the library makes and judges real
ones is for tests/contract/test_certificate.py, on a real PKI.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rotation.core.certificate import bundle, parts
from rotation.core.model import NO_KEY, Credential, Password
from rotation.sources.certificate.adapter import Certificates
from rotation.sources.certificate.role import SCHEME
from rotation.sources.certificates import About, Request
from rotation.vault.server import Answer

from tests.worlds.invocation import Invocation, Port
from tests.worlds.keyed import Issued, KeyedPorts, KeyedWorld, Provider, Shipped, Terms
from tests.worlds.world import TARGET

MOUNT, ROLE, TOKEN, DNS = "pki", "shop", "token-of-the-small-pki", "shop.example"
AUTHORITY, ISSUER = "small authority", "the issuer"
ADMIN = Credential("a-role", Password("canary-of-the-pki-s-secret-id-7c3eV"), "", None, "")
NOW = 2_000_000_000.0
"""What the adapter takes for now: the PKI tells moments from here."""
YEAR, DAY = 365 * 86_400.0, 86_400
ALLOWS = {"allow_any_name": True, "allowed_uri_sans": [f"{SCHEME}*"], "key_type": "any"}
SETTINGS: dict[str, Any] = {
    "mount": MOUNT,
    "role": ROLE,
    "login": {"method": "approle"},
    "authority": AUTHORITY,
    "common_name": DNS,
    "alt_names": [],
    "ip_sans": [],
    "ttl_days": 100,
    "key": "ec-p256",
}


def block(what: str, text: str) -> str:
    return f"-----BEGIN {what}-----\n{text}\n-----END {what}-----\n"


def certificate(number: str, name: str, public: str, dns: str = DNS) -> str:
    said = {"serial": number, "uri": f"{SCHEME}{name}" if name else "", "public": public, "dns": dns}
    return block("CERTIFICATE", json.dumps(said))


def made(number: str, name: str, secret: str, dns: str = DNS) -> Credential:
    """A certificate with its key."""
    text = bundle(certificate(number, name, secret, dns), Password(block("PRIVATE KEY", secret)))
    return NO_KEY.with_login(number, text)


class Small:
    """Maker: a public key is the private one's name. A moment stands behind the block that the PKI shows, and in no bundle."""

    def __init__(self, draw: Callable[[], str], lasts_seconds: float) -> None:
        self._draw, self._lasts = draw, lasts_seconds

    def request(self, settings: Any, uri: str = "") -> Request:
        secret = self._draw()
        return Request(Password(block("PRIVATE KEY", secret)), json.dumps({"uri": uri, "public": secret}), secret.encode())

    def about(self, pem: str) -> About:
        begins = NOW - float(pem.rpartition("ago=")[2]) if "ago=" in pem else NOW
        text = pem.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]
        said = json.loads(text or "{}")
        if "serial" not in said:
            raise ValueError("no certificate")
        uris = frozenset({said["uri"]} - {""})
        names = frozenset({said["dns"]})
        lasts = YEAR if said["serial"] == ISSUER else self._lasts
        return About(said["serial"], names, uris, begins, NOW + lasts, said["public"].encode(), own_issuer=False)

    def shakes(self, password: Password, authority: str) -> bool:
        try:
            text, key = parts(password)
        except ValueError:
            return False
        return authority == AUTHORITY and self.about(text).public.decode() in key.reveal()


class Pki:
    """The Vault: what changes or tells something is a boundary; that it lets us in, and what the role allows, is none."""

    name = "Vault https://vault.example:8200"

    def __init__(self, it: Invocation, provider: CertifiedProvider) -> None:
        self._it, self._provider = it, provider

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        if path.startswith(("auth/", "sys/")) or path in (f"{MOUNT}/roles/{ROLE}", f"{MOUNT}/cert/ca_chain"):
            return self._constant(path, body or {})
        what, _, which = path.removeprefix(f"{MOUNT}/").partition("/")
        if what != "cert" and token != TOKEN:
            return Answer(403, {"errors": ["permission denied"]})
        if what == "cert":
            return self._it.call(Port.PROVIDER, f"look up {which}", lambda: self._provider.shown(which))
        if what == "certs":
            return self._it.call(Port.PROVIDER, f"list {which or 'keys'}", lambda: self._provider.listed(revoked=bool(which)))
        if what == "sign":
            answer: Answer = self._it.call(Port.PROVIDER, "issue", lambda: self._provider.sign(json.loads((body or {})["csr"])))
            self._it.seen.issued.add(answer.data["serial_number"])
            return answer
        assert what == "revoke"
        number = (body or {})["serial_number"]
        return self._it.call(Port.PROVIDER, f"delete {number}", lambda: self._provider.revoke(number))

    @staticmethod
    def _constant(path: str, body: Mapping[str, Any]) -> Answer:
        if path.startswith("auth/"):
            return Answer(200, {"auth": {"client_token": TOKEN}})
        said: dict[str, Any] = {
            "sys/capabilities-self": {one: ["root"] for one in body.get("paths", ())},
            f"sys/internal/ui/mounts/{MOUNT}": {"type": "pki", "config": {"max_lease_ttl": 200 * DAY}},
            f"{MOUNT}/roles/{ROLE}": ALLOWS,
            f"{MOUNT}/cert/ca_chain": {"certificate": certificate(ISSUER, "", "its own")},
        }
        return Answer(200, {"data": said[path]})


class CertifiedProvider(Provider):
    """What the PKI has. What is revoked stays in its list."""

    def listed(self, *, revoked: bool) -> Answer:
        self._journal.look("keys")
        now = self._now()
        there = [key for key in self.kept.there if now - key.made >= self.terms.lags]
        found = self.kept.deleted if revoked else [*there, *self.kept.deleted]
        return Answer(200, {"data": {"keys": [key.id for key in found]}}) if found else Answer(404, {"errors": []})

    def shown(self, number: str) -> Answer:
        self._journal.look(f"login {number}")
        now = self._now()
        for key in (*self.kept.there, *self.kept.deleted):
            if key.id == number and now - key.made >= self.terms.lags:
                ended = key.ended is not None and now - key.ended >= self.terms.lags
                text = f"{parts(Password(key.secret))[0]}ago={now - key.made}"
                return Answer(200, {"data": {"certificate": text, "revocation_time": int(NOW) if ended else 0}})
        return Answer(404, {"errors": []})

    def sign(self, asked: Mapping[str, str]) -> Answer:
        name = asked["uri"].removeprefix(SCHEME)
        signed = made("Key-" + asked["public"][-6:], name, asked["public"])
        with self._journal.write("issue"):
            one = Issued(signed.username, signed.password.reveal(), self._now(), name=name)
            self.kept = self.kept._replace(there=(*self.kept.there, one))
        text = certificate(signed.username, name, asked["public"])
        return Answer(200, {"data": {"certificate": text, "ca_chain": [], "serial_number": signed.username}})

    def revoke(self, number: str) -> Answer:
        there = any(one.id == number for one in (*self.kept.there, *self.kept.deleted))
        self.delete(None, number)
        return Answer(200, {"data": {}}) if there else Answer(400, {"errors": ["not found"]})


class Certified(Shipped):
    """Which certificate was tried, is known."""

    def __init__(self, it: Invocation, provider: CertifiedProvider) -> None:
        self._it, self._admin = it, ADMIN
        world: Any = it.world
        small = Small(lambda: str(it.note(world.next_password)), world.lasts_seconds)
        self._keys = Certificates(SETTINGS, Pki(it, provider), TARGET, 50.0 * DAY, small, now=lambda: NOW)
        self.limit, self.named, self.dedicated = self._keys.limit, self._keys.named, self._keys.dedicated

    def logs_in(self, credential: Credential) -> bool:
        works = self._keys.logs_in(credential)
        if works:
            self._it.seen.proven.add(credential)
        return works

    def refuses(self, credential: Credential) -> bool:
        return self._keys.refuses(credential)


class CertifiedPorts(KeyedPorts):
    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self.source = Certified(invocation, self._living.source)


class CertifiedWorld(KeyedWorld):
    """Besides ours a person's certificate, of the same PKI and role."""

    databases = CertifiedProvider
    lasts_seconds = YEAR
    """From now on, every certificate."""
    first = made("Key-000000", "", "canary-of-the-first-certificate-5b1cC")
    theirs = made("Key-999999", "theirs", "canary-of-a-persons-certificate-90aeC")

    def __init__(self, lags: float = 0.0) -> None:
        super().__init__(Terms(limit=None, named=True, dedicated=False, lags=lags, deactivates=False), persons=True)
        self.ports = CertifiedPorts
