"""One request to one host: TLS that is verified, no redirect followed, an end to how long it takes and how much it may say.

Python's own http.client: neither a proxy of the environment's nor a library's retries have a say. What was sent and what came
back are never in an error."""

from __future__ import annotations

import http.client
import ssl
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from rotation.core.errors import SourceRefused, SourceUnreachable, SourceUntrusted
from rotation.sources.http_api_key.answers import Answer, parsed
from rotation.sources.tls import verified

if TYPE_CHECKING:
    from rotation.sources.http_api_key.asking import Request

PORT = 443
CALL_SECONDS = 8.0
"""From the connection to the end of the answer: two calls and more fit into one function's time."""
MOST_BYTES = 2**20
_CHUNK = 2**16


class Wire(Protocol):
    """What can be asked: a host, or what stands in for one."""

    @property
    def host(self) -> str:
        """With its port where that is not 443."""

    def ask(self, request: Request) -> Answer:
        """Our own error where nothing was answered."""


class Https:
    """The host of an API."""

    def __init__(self, host: str, ca: str) -> None:
        self.host = host
        self._ca = ca

    def ask(self, request: Request) -> Answer:
        """A connection for each: a call of ours makes a handful. Without an answer, what was asked may have been done."""
        name, _, port = self.host.partition(":")
        until = monotonic() + CALL_SECONDS
        connection = http.client.HTTPSConnection(name, int(port or PORT), timeout=CALL_SECONDS, context=verified(self._ca))
        try:
            connection.request(request.method, request.target, request.body, dict(request.headers))
            with connection.getresponse() as answer:
                data = self._read(answer, connection, until)
                return Answer(answer.status, parsed(data), answer.headers.get("Link", ""))
        except ssl.SSLCertVerificationError:
            said = "its certificate is not trusted by source.ca, or is for another host name"
            raise SourceUntrusted(f"{self.host}: {said}") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(request, error) from None
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
        raise SourceRefused(f"{self.host} answers with more than {MOST_BYTES} bytes: is host the API's?")

    def _silent(self, request: Request, error: Exception) -> SourceUnreachable:
        done = "; whether it was done is looked at by whoever comes next" if request.method != "GET" else ""
        return SourceUnreachable(f"{self.host} did not answer, {request.what} ({type(error).__name__}){done}")
