"""A Vault or an OpenBao, spoken to over TLS that the target's own authority vouches for.

Python's own http.client and not `hvac` (docs/decisions.md has the figures): seven paths are asked for, no redirect is followed, and
neither an environment variable nor the system's authorities have a say. What the server says of an error is looked at and never
passed on: it may quote what was sent."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from rotation.core.errors import (
    RotationError,
    VaultRefused,
    VaultSealed,
    VaultStandby,
    VaultThrottled,
    VaultUnavailable,
    VaultUntrusted,
)

PORT = 8200
REQUEST_SECONDS = 8
MOST_BYTES = 2**20
"""A server's own limit for what it takes is 32 MiB; a path that an application reads its login from is far below."""
TLS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
NO_ROUTE = "no handler for route"
"""What is said where nothing is mounted."""
MERGE = "application/merge-patch+json"
_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""
_NO_TLS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER", "NO_PROTOCOLS_AVAILABLE", "HANDSHAKE_FAILURE")


@dataclass(frozen=True)
class Answer:
    """Of what is the caller's to understand: done, or one of 400, 403, 404."""

    status: int
    said: Mapping[str, Any]
    at: float | None = None
    """When, by the server's own clock, in whole seconds; None where it does not say."""

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def data(self) -> Mapping[str, Any]:
        """Empty where there is none."""
        found = self.said.get("data")
        return found if isinstance(found, dict) else {}

    def says(self, *words: str) -> bool:
        """Whether one of its errors does; never passed on."""
        errors = self.said.get("errors")
        told = " ".join(map(str, errors)).lower() if isinstance(errors, list) else ""
        return any(word in told for word in words)


class Asked(Protocol):
    """What can be asked: a server, or what stands in for one."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        """Our own error where nothing was answered, or what concerns the whole server."""


class Server:
    """One address, that of a load balancer before several as well."""

    def __init__(self, address: str, ca: str, tls: str, namespace: str) -> None:
        self._address, self._ca, self._tls, self._namespace = address, ca, tls, namespace

    @property
    def name(self) -> str:
        return f"Vault {self._address}"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        query = f"?{urlencode({'version': version})}" if version else ""
        status, data, date = self._exchange(method, f"/v1/{quote(path)}{query}", body, self._headers(method, body, token))
        said = _parsed(data)
        if 300 <= status < 400:
            raise VaultStandby(f"{self.name} sends to another address: name the active node's, or a load balancer's")
        if status not in (200, 204, 400, 403, 404):
            raise self._failed(status, said)
        if said is None:
            raise VaultRefused(f"{self.name} answers with no JSON (HTTP {status}): is this the address of a Vault?")
        return Answer(status, said, _moment(date))

    def _headers(self, method: str, body: Mapping[str, Any] | None, token: str) -> dict[str, str]:
        kind = MERGE if method == "PATCH" else "application/json"
        return {
            "X-Vault-Request": "true",
            **({"X-Vault-Token": token} if token else {}),
            **({"X-Vault-Namespace": self._namespace} if self._namespace else {}),
            **({"Content-Type": kind} if body is not None else {}),
        }

    def _failed(self, status: int, said: Mapping[str, Any] | None) -> RotationError:
        answer = Answer(status, said or {})
        if status == 429:
            return VaultThrottled(f"{self.name} answers that there were too many requests")
        if status == 503 and answer.says("sealed"):
            return VaultSealed(f"{self.name} is sealed: unseal it")
        if answer.says("not active", "standby"):
            return VaultStandby(f"{self.name} is a standby, and reaches no active node")
        if status >= 500 or status == 412:
            return VaultUnavailable(f"{self.name}: HTTP {status}")
        return VaultRefused(f"{self.name}: HTTP {status}")

    def _exchange(
        self, method: str, target: str, body: Mapping[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        """A connection for each: a call makes a handful, and none is left open. Without an answer, what was asked may be done."""
        place = urlsplit(self._address)
        connection = http.client.HTTPSConnection(
            place.hostname or "", place.port or PORT, timeout=REQUEST_SECONDS, context=self._trusting()
        )
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as answer:  # which keeps the socket open for as long as it is not read to its end
                data = answer.read(MOST_BYTES + 1)
        except ssl.SSLCertVerificationError as error:
            why = "its certificate has expired" if error.verify_code == _EXPIRED else "its certificate is not what ca vouches for"
            raise VaultUntrusted(f"{self.name}: {why}") from None
        except ssl.SSLError as error:
            raise self._no_tls(error.reason or "") from None
        except (OSError, http.client.HTTPException) as error:
            raise VaultUnavailable(f"{self.name} did not answer ({type(error).__name__})") from None
        finally:
            connection.close()
        if len(data) > MOST_BYTES:
            raise VaultRefused(f"{self.name} answers with more than {MOST_BYTES} bytes: is this a Vault?")
        return answer.status, data, answer.getheader("Date", "")

    def _no_tls(self, reason: str) -> RotationError:
        if any(reason.endswith(one) for one in _NO_TLS):
            return VaultUntrusted(f"{self.name} does not speak TLS as the target asks ({reason}); tls: 1.2 asks for less")
        return VaultUnavailable(f"{self.name} did not answer ({reason or 'TLS'})")

    def _trusting(self) -> ssl.SSLContext:
        """Neither the system's authorities nor the environment's: those of `ssl.create_default_context` would come with both."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = TLS[self._tls]
        try:
            context.load_verify_locations(cadata=self._ca)
        except (ssl.SSLError, ValueError):
            raise VaultUntrusted(f"{self.name}: ca is no certificate in PEM") from None
        return context


def _parsed(data: bytes) -> Mapping[str, Any] | None:
    """None of what is no JSON object; nothing at all is an empty one."""
    try:
        found = json.loads(data) if data else {}
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
