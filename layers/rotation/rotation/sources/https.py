"""One request to one host: TLS that is verified, no redirect followed, an end to how long it takes and how much it may say.

Python's own http.client: neither a proxy of the environment's nor a library's retries have a say. What was sent and what came
back are never in an error."""

from __future__ import annotations

import http.client
import ssl
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from rotation.core.errors import SourceRefused, SourceUnreachable, SourceUntrusted
from rotation.sources.tls import verified

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

PORT = 443
CALL_SECONDS = 8.0
"""From the connection to the end of the answer: two calls and more fit into one function's time."""
MOST_BYTES = 2**20
_CHUNK = 2**16


class Got(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    data: bytes


class Host:
    """With its port where that is not 443. `ca`: as `verified` has it."""

    def __init__(self, host: str, ca: str, asked: str = "host the API's") -> None:
        """`asked`: what a person is asked where it answers too much."""
        self.host, self._ca, self._asked = host, ca, asked

    def ask(self, method: str, target: str, what: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Got:
        """A connection for each: a call of ours makes a handful. Without an answer, what was asked may have been done. `what`: in
        words, for messages."""
        name, _, port = self.host.partition(":")
        until = monotonic() + CALL_SECONDS
        connection = http.client.HTTPSConnection(name, int(port or PORT), timeout=CALL_SECONDS, context=verified(self._ca))
        try:
            connection.request(method, target, body, dict(headers or {}))
            with connection.getresponse() as answer:
                data = self._read(answer, connection, until)
                return Got(answer.status, answer.headers, data)
        except ssl.SSLCertVerificationError:
            said = "its certificate is not trusted by source.ca, or is for another host name"
            raise SourceUntrusted(f"{self.host}: {said}") from None
        except (OSError, http.client.HTTPException) as error:
            done = "" if method in ("GET", "HEAD") else "; whether it was done is looked at by whoever comes next"
            raise SourceUnreachable(f"{self.host} did not answer, {what} ({type(error).__name__}){done}") from None
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, connection: http.client.HTTPConnection, until: float) -> bytes:
        read = bytearray()
        while len(read) <= MOST_BYTES:
            left = until - monotonic()
            if left <= 0:
                raise TimeoutError
            if connection.sock is not None:
                connection.sock.settimeout(left)
            chunk = answer.read1(_CHUNK)
            if not chunk:
                return bytes(read)
            read += chunk
        raise SourceRefused(f"{self.host} answers with more than {MOST_BYTES} bytes: is {self._asked}?")
