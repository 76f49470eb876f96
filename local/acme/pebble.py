"""Pebble, the ACME server that Let's Encrypt tests clients with: Debian's, fetched where there is none. It looks for every
challenge, and finds one nonce of twenty too old, as a client has to expect."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rotation.core.certificate import bundle, serial
from rotation.core.model import Credential, Password
from rotation.sources.acme_certificate.adapter import der
from rotation.sources.acme_certificate.jws import Signer
from rotation.sources.acme_certificate.server import Server
from rotation.sources.https import Host
from rotation.sources.x509 import X509

from local.certificates import Authority
from local.mysqld import cache as kept
from local.ports import free_port
from local.serving import begin, end

STARTED_WITHIN = 20.0
DAY = 86_400
FORBIDDEN = "forbidden.example"
"""A name that it does not issue for."""


@cache
def program() -> Path:
    """The machine's own, else the distribution's."""
    installed = shutil.which("pebble")
    if installed:
        return Path(installed)
    script, destination = Path(__file__).parents[1] / "fetch_debian.sh", kept() / "pebble"
    fetched = subprocess.run([script, "pebble", destination, "pebble"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        raise RuntimeError("no pebble: see what fetch_debian.sh says above")
    return Path(fetched.stdout.strip()) / "usr/bin/pebble"


class Pebble:
    """`with Pebble(directory, environment, dns) as server:` it runs; what it has is gone with it."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        dns: str,
        *,
        days: int = 90,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`dns`: the address of the name server that it asks. `days`: for how long its certificates are valid."""
        self.directory, self._environment, self._dns, self._days = directory, environment, dns, days
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def address(self) -> str:
        """Of its directory."""
        return f"https://{self.host}/dir"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        authority = Authority("Pebble")
        self.ca_pem, issued = authority.pem, authority.issue(self.directory, "pebble")
        self.port, self._management = free_port(), free_port()
        configuration = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(issued.certificate),
            "privateKey": str(issued.key),
            "httpPort": 5002,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "domainBlocklist": [FORBIDDEN],
            "certificateValidityPeriod": self._days * DAY,
        }
        (self.directory / "pebble.json").write_text(json.dumps({"pebble": configuration}))
        environment = {**self._environment, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_ORDERS_PER_PAGE": "100", **self._settings}
        command = [program(), "-config", self.directory / "pebble.json", "-dnsserver", self._dns, "-strict"]
        self._context = ssl.create_default_context(cadata=self.ca_pem)
        self._process = begin([str(part) for part in command], environment, self.directory / "pebble.log")
        try:
            self._await()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def _await(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                self.authority = self._managed("roots/0").decode()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = (self.directory / "pebble.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"pebble did not start:\n{said}") from None
            time.sleep(0.02)

    def _managed(self, path: str) -> bytes:
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)]
        address = f"https://localhost:{self._management}/{path}"
        with urllib.request.build_opener(*handlers).open(address, timeout=5) as answer:
            found: bytes = answer.read()
            return found

    def status(self, serial: str) -> str:
        """Of a certificate by its number, as its own books have it: Valid or Revoked; empty where it knows none."""
        try:
            found: Mapping[str, Any] = json.loads(self._managed(f"cert-status-by-serial/{serial.replace(':', '').lstrip('0')}"))
        except urllib.error.HTTPError:
            return ""
        return str(found["Status"])

    def server(self) -> Server:
        """As the shipped client asks it."""
        return Server(self.address, Host(self.host, self.ca_pem), time.time)

    def account(self, key: Password | None = None) -> Credential:
        """A new one: its URL, and its key."""
        key, server = key or new_key(), self.server()
        reply = server.ask(Signer(key), server.url("newAccount"), "an account", {"termsOfServiceAgreed": True})
        assert reply.ok, reply.text
        return Credential(reply.location, key, "", None, "")

    def orders(self, account: Credential) -> dict[str, str]:
        """The certificates that it had issued and that are not revoked: by their numbers, of which order each is."""
        server, signer = self.server(), Signer(account.password, account.username)
        listed = server.ask(signer, account.username, "the account").said["orders"]
        found: dict[str, str] = {}
        for url in server.ask(signer, listed, "its orders").said.get("orders") or []:
            certificate = server.ask(signer, url, "an order").said.get("certificate")
            shown = server.ask(signer, certificate, "a certificate") if certificate else None
            if shown is not None and shown.ok:  # what is revoked is shown no more
                found[serial(shown.text)] = url
        return found

    def made(self) -> int:
        """How many orders there were so far, of whomever."""
        return (self.directory / "pebble.log").read_text(errors="replace").count("Added order")

    def issue(self, account: Credential, names: Sequence[str], answers: Callable[[str, str], object]) -> Password:
        """As a person has one issued. `answers`: puts a TXT record of a name, or takes it out where it is empty."""
        server, signer = self.server(), Signer(account.password, account.username)
        made = server.ask(
            signer, server.url("newOrder"), "an order", {"identifiers": [{"type": "dns", "value": one} for one in names]}
        )
        for url in made.said["authorizations"]:
            said = server.ask(signer, url, "an authorization").said
            name = f"_acme-challenge.{said['identifier']['value']}."
            (challenge,) = [one for one in said["challenges"] if one["type"] == "dns-01"]
            answers(name, signer.answer(challenge["token"]))
            server.ask(signer, challenge["url"], "a challenge", {})
            _until(lambda url=url: server.ask(signer, url, "it").said["status"] == "valid")  # type: ignore[misc]
            answers(name, "")
        request = X509().request({"common_name": names[0], "alt_names": names[1:], "key": "ec-p256"})
        _until(lambda: server.ask(signer, made.location, "it").said["status"] == "ready")
        server.ask(signer, made.said["finalize"], "it", {"csr": der(request.text)})
        _until(lambda: server.ask(signer, made.location, "it").said["status"] == "valid")
        chain = server.ask(signer, server.ask(signer, made.location, "it").said["certificate"], "it").text
        return bundle(chain, request.key)

    def deactivate(self, account: Credential) -> None:
        asked = self.server().ask(Signer(account.password, account.username), account.username, "it", {"status": "deactivated"})
        assert asked.ok, asked.text


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError("pebble does not issue")
        time.sleep(0.1)


def new_key() -> Password:
    """Of an account, as a person makes it."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = ec.generate_private_key(ec.SECP256R1())
    return Password(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def plain() -> dict[str, str]:
    """An environment for one that nobody else looks after."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
