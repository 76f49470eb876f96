"""One connection: TLS before a word is said, commands word by word, and our own errors in place of the driver's."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redis import exceptions
from redis.connection import Connection as Driver

from rotation.core.errors import RotationError, SourceRefused, SourceUnreachable, SourceUntrusted
from rotation.sources.servers import Denied

if TYPE_CHECKING:
    from rotation.core.model import Credential

DEFAULT_PORT = 6379
CONNECT_SECONDS = 5
COMMAND_SECONDS = 10


class Connection:
    """Logged in as soon as it is there. It never connects again by itself: our lock would be gone."""

    def __init__(self, credential: Credential, tls: ssl.SSLContext) -> None:
        host, _, port = credential.host.partition(":")
        self.host = credential.host
        driver: Any = _Verified(host, int(port or credential.port or DEFAULT_PORT), tls)
        self._driver = driver
        with self._named("a connection"):
            driver.connect()
        try:
            self.run("AUTH", credential.username, credential.password.reveal())
        except BaseException:
            self.close()
            raise

    @property
    def tls(self) -> str:
        """The protocol that was agreed on."""
        return str(self._driver.protocol_of_tls)

    def run(self, *words: str) -> Any:
        """The server's answer. An error names the command, never what was given to it."""
        with self._named(" ".join(word for word in words[:2] if word.isupper())):
            if not self._driver.connected:
                raise exceptions.ConnectionError
            self._driver.send_command(*words)
            return self._driver.read_response()

    def close(self) -> None:
        self._driver.disconnect()

    @contextmanager
    def _named(self, command: str) -> Iterator[None]:
        try:
            yield
        except (exceptions.RedisError, OSError) as error:
            raise _error(error, self.host, command) from None


class _Verified(Driver):
    """The driver's connection, with our own context: its own trusts every authority of the system besides the one it is given."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            host=host,
            port=port,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=COMMAND_SECONDS,
            redis_connect_func=_says_nothing,
            protocol=2,
            decode_responses=True,
            encoding_errors="replace",
        )
        self._tls = tls
        self.protocol_of_tls = ""

    @property
    def connected(self) -> bool:
        return self._sock is not None

    def _connect(self) -> Any:
        plain: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        plain.settimeout(CONNECT_SECONDS)  # one that speaks no TLS may wait for us to go on
        try:
            wrapped = self._tls.wrap_socket(plain, server_hostname=self.host)
        except (ssl.SSLEOFError, TimeoutError):
            plain.close()
            raise
        except ssl.SSLError as error:
            plain.close()
            raise _NotTrusted(isinstance(error, ssl.SSLCertVerificationError)) from None
        wrapped.settimeout(COMMAND_SECONDS)
        self.protocol_of_tls = wrapped.version() or ""
        return wrapped


class _NotTrusted(exceptions.RedisError):
    """A certificate that nobody vouches for (True), or no TLS as we want it."""


def _says_nothing(driver: Driver) -> None:
    """Instead of what the driver says to begin with: a name and a version of its own."""
    driver._parser.on_connect(driver)  # noqa: SLF001 - what the driver asks of whoever connects by himself


def _error(error: Exception, host: str, command: str) -> RotationError:
    if isinstance(error, _NotTrusted):
        untrusted = "its certificate is not trusted by source.ca, or is for another host name"
        return SourceUntrusted(f"{host}: {untrusted}" if error.args[0] else f"{host}: it does not offer TLS 1.2 or later")
    if isinstance(error, exceptions.AuthenticationError):
        return Denied(f"{host} denied access")
    if isinstance(error, exceptions.NoPermissionError):
        return SourceRefused(f"{host}: the admin may not use {command}")
    if isinstance(error, exceptions.ResponseError):
        return SourceRefused(f"{host} refused {command}")
    return SourceUnreachable(f"{host} could not be reached, or the connection was lost")
