"""The engine of a Swarm's managers, spoken to over mutual TLS.

Python's own http.client and not the `docker` package: a handful of paths are asked for, the package takes 3 MB and eight times as
long to import, lets variables of the environment name a proxy and another authority, and wants certificate and key as files for as
long as it is connected. Here the authority is the target's and nothing else, and the key is never in a file system: OpenSSL reads
it from anonymous memory, which is gone once it has.

The engine's version is asked for first. What it says of an error is looked at and never passed on.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from rotation.core.certificate import expires
from rotation.core.errors import (
    RotationError,
    SecretInvalid,
    SwarmConflict,
    SwarmDenied,
    SwarmObjectMissing,
    SwarmRefused,
    SwarmUnavailable,
    SwarmUntrusted,
)
from rotation.memory import in_memory

if TYPE_CHECKING:
    from rotation.core.model import Password

SPOKEN = (1, 44)
"""The API that this is written for; an engine that knows less is spoken to as it says, and one that wants more, too."""
OLDEST = (1, 41)
PORT = 2376
REQUEST_SECONDS = 10
LISTEN_SECONDS = 1
TLS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_REFUSES_US = (
    "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA",
    "UNSUPPORTED_CERTIFICATE", "DECRYPT_ERROR", "ACCESS_DENIED",
)  # fmt: skip
_NO_TLS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER", "NO_PROTOCOLS_AVAILABLE", "HANDSHAKE_FAILURE")
_CONFLICTS = {
    "already exists": "the name was taken at the same moment",
    "out of sequence": "it was changed at the same moment, by somebody else or by the Swarm's own updater",
    "in use by": "a service began to use it at the same moment",
}
"""What the engine says, by which it is known: an update onto another version is an HTTP 500, a secret in use a 400."""
_REFUSALS: Mapping[int, type[RotationError]] = {
    401: SwarmDenied,
    403: SwarmDenied,
    404: SwarmObjectMissing,
    409: SwarmConflict,
}
_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""


@dataclass(frozen=True)
class Identity:
    """Who we are to a manager."""

    certificate: str
    key: Password
    named: str
    """Where it is from, for messages."""


@dataclass(frozen=True)
class Access:
    """The way to the managers of one Swarm."""

    managers: Sequence[str]
    """host:port of each."""
    ca: str
    """Who vouches for them, as PEM: nobody else."""
    tls: str
    """The least version."""
    identity: Callable[[], Identity] = field(repr=False)
    """Asked for when first needed."""


class Engine:
    """Whichever of the managers answers."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._managers = list(access.managers)
        self._context: ssl.SSLContext | None = None
        self._connection: http.client.HTTPSConnection | None = None
        self._prefix = ""

    @property
    def name(self) -> str:
        return f"Swarm {', '.join(self._access.managers)}"

    def get(self, path: str, filters: Mapping[str, Sequence[str]] | None = None) -> Any:
        """What is there."""
        query = {"filters": json.dumps(filters)} if filters else {}
        return self._call("GET", path, query, None)

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> Any:
        """What came of it. Where no answer came, it may have been done."""
        return self._call("POST", path, query, body)

    def delete(self, path: str) -> None:
        """It is gone, whoever took it away."""
        try:
            self._call("DELETE", path, {}, None)
        except SwarmObjectMissing:
            return

    def close(self) -> None:
        """Also when nothing was ever asked."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _call(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Any:
        """The managers in turn, beginning with who answered last, as long as none can have done what was asked."""
        failure: RotationError | None = None
        for _ in self._access.managers:
            try:
                return self._asked(method, path, query, body)
            except _NotAsked as error:
                failure = SwarmUnavailable(f"{self.name}: {error}")
            self.close()
            self._managers.append(self._managers.pop(0))
        raise failure or SwarmUnavailable(f"{self.name}: no manager is named")

    def _asked(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Any:
        self._connect()
        target = f"{self._prefix}/{'/'.join(quote(part, safe='') for part in path.split('/'))}"
        status, data = self._exchange(method, f"{target}?{urlencode(query)}" if query else target, body)
        if status >= 400:
            raise _error(status, data, f"{self._managers[0]}: {method} {path.partition('/')[0]}")
        return json.loads(data) if data else None

    def _connect(self) -> None:
        """And agree on a version, which is the engine's own affair: another manager may have another."""
        if self._connection is not None:
            return
        self._connection, self._prefix = self._dialled(REQUEST_SECONDS), ""
        try:
            status, data = self._exchange("GET", "/version", None)
        except _NotAsked:
            self._listen()
            raise
        if status >= 400:
            raise _error(status, data, f"{self._managers[0]}: GET version")
        self._prefix = f"/v{_spoken(json.loads(data), self._managers[0])}"

    def _dialled(self, timeout: float) -> http.client.HTTPSConnection:
        host, _, port = self._managers[0].rpartition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=timeout, context=self._tls())
        with self._understood(asked=False):
            connection.connect()
        return connection

    def _listen(self) -> None:
        """A manager that refuses our certificate says so and closes; its word is lost where we have written something meanwhile."""
        connection = self._dialled(LISTEN_SECONDS)
        try:
            with self._understood(asked=False):
                if connection.sock is not None:
                    connection.sock.recv(1)
        finally:
            connection.close()

    def _exchange(self, method: str, target: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        connection = self._connection
        assert connection is not None  # noqa: S101 - for the type checker
        sent = None if body is None else json.dumps(body)
        headers = {} if sent is None else {"Content-Type": "application/json"}
        try:
            with self._understood(asked=method != "GET"):
                connection.request(method, target, sent, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _understood(self, *, asked: bool) -> Iterator[None]:
        """By our own names. `asked`: what was asked may have been done although no answer came."""
        manager = self._managers[0]
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = "its certificate has expired" if error.verify_code == _EXPIRED else "its certificate is not what ca vouches for"
            raise SwarmUntrusted(f"{manager}: {why}") from None
        except ssl.SSLError as error:
            raise _not_understood(manager, error.reason or "", asked=asked) from None
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(f"{manager} did not answer ({type(error).__name__})", asked=asked) from None

    def _tls(self) -> ssl.SSLContext:
        """Neither the system's authorities nor the environment's: those of `ssl.create_default_context` would come with both."""
        if self._context is not None:
            return self._context
        identity = self._access.identity()
        _refuse_expired(identity)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = TLS[self._access.tls]
        try:
            context.load_verify_locations(cadata=self._access.ca)
        except ssl.SSLError:
            raise SwarmUntrusted(f"{self.name}: ca is no certificate in PEM") from None
        with in_memory(f"{identity.certificate}\n{identity.key.reveal()}\n") as path:
            try:
                context.load_cert_chain(path, password=str)
            except ssl.SSLError:
                raise SecretInvalid(f"{identity.named}: certificate and key do not belong together, or are no PEM") from None
        self._context = context
        return context


class _NotAsked(Exception):
    """Another manager may be asked: this one cannot have done it."""


def _no_answer(said: str, *, asked: bool) -> Exception:
    return SwarmUnavailable(f"{said}; it may have done what it was asked") if asked else _NotAsked(said)


def _not_understood(manager: str, reason: str, *, asked: bool) -> Exception:
    if any(reason.endswith(one) for one in _REFUSES_US):
        return SwarmDenied(f"{manager} refuses our certificate ({reason})")
    if any(reason.endswith(one) for one in _NO_TLS):
        return SwarmUntrusted(f"{manager} does not speak TLS as the target asks ({reason}); tls: 1.2 asks for less")
    return _no_answer(f"{manager} did not answer ({reason or 'TLS'})", asked=asked)


def _refuse_expired(identity: Identity) -> None:
    try:
        until = expires(identity.certificate)
    except ValueError:
        raise SecretInvalid(f"{identity.named}: certificate is no PEM") from None
    if until <= datetime.now(UTC):
        raise SwarmDenied(f"{identity.named}: the client certificate has expired on {until:%Y-%m-%d %H:%M} UTC")


def _spoken(engine: Mapping[str, Any], manager: str) -> str:
    """What both know."""
    latest, least = _numbers(engine.get("ApiVersion")), _numbers(engine.get("MinAPIVersion"))
    if latest < OLDEST:
        raise SwarmRefused(f"{manager}: its engine is too old: it has no API 1.41 or later")
    return ".".join(map(str, max(min(latest, SPOKEN), least)))


def _numbers(version: Any) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in str(version).split("."))
    except ValueError:
        return ()


def _error(status: int, data: bytes, place: str) -> Exception:
    """By what the engine says; its words may quote what was sent."""
    said = data.decode(errors="replace").lower()
    if status == 503:
        why = "is no manager of a Swarm" if "not a swarm manager" in said else "has no quorum of managers"
        return _NotAsked(f"{place}: it {why}, or answers nobody now")
    for words, why in _CONFLICTS.items():
        if words in said:
            return SwarmConflict(f"{place}: {why}")
    if status >= 500 or status == 429:
        return SwarmUnavailable(f"{place}: HTTP {status}")
    return _REFUSALS.get(status, SwarmRefused)(f"{place}: HTTP {status}")
