"""A small HTTPS server, which shows the certificate that it reads; and its clients, each of whom verifies it anew.

A client trusts the root alone, calls the server by its name, and looks into the PKI's list of what is revoked: a server that shows
a certificate that was withdrawn is refused.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Collection
from functools import cache

from rotation.memory import in_memory

from local.login import Login
from local.shop.connections import Known
from local.vault.compare import Clients, Tried

SHOWN = "the shop is open"
WORKERS = 8
Asks = Callable[[], Collection[int]]
TIMEOUT, PATIENCE_SECONDS = 5, 30
"""Of a client, and of the server: on a machine where both have to wait, the client is the one who judges."""
LOOKS_SECONDS = 0.5
"""A client reads the list of what is revoked so often."""
ANSWER = f"HTTP/1.0 200 OK\r\nContent-Length: {len(SHOWN)}\r\n\r\n{SHOWN}".encode()


@cache
def _context(bundle: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with in_memory(bundle) as path:
        context.load_cert_chain(path)
    return context


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


class Server:
    """`with Server(read, keeps) as server:` it goes on with what it has read for so many seconds."""

    def __init__(self, read: Callable[[], Login], keeps: float) -> None:
        known, trouble = Known(read, keeps), list[str]()
        self.trouble = trouble
        """Why a client was not answered."""

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(PATIENCE_SECONDS)
                began = time.monotonic()
                try:
                    with _context(known.read().password).wrap_socket(self.request, server_side=True) as tls:
                        tls.recv(4096)
                        tls.sendall(ANSWER)
                except OSError as error:  # the client counts it
                    trouble.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")

        self._server = _Listening(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Visitors:
    """`with Visitors(…) as visitors:` they connect; none tries again."""

    def __init__(
        self, port: int, name: str, authority: str, revoked: Callable[[], str] | None, rate: float, *, asks: Asks | None = None
    ) -> None:
        """`revoked`: the list, as PEM. `asks`: of an authority that signs no list, which numbers it says are revoked."""
        self._port, self._name, self._authority = port, name, authority
        self._revoked, self._asks, self._lock = revoked, asks, threading.Lock()
        self._made: tuple[float, ssl.SSLContext, Collection[int]] | None = None
        self.serials: list[int] = []
        """That they were shown, in their order."""
        nobody = Login("", "")
        self.clients = Clients([lambda: nobody] * WORKERS, self._visit, rate, 0.0)

    def __enter__(self) -> Visitors:
        self.clients.__enter__()
        return self

    def __exit__(self, *given: object) -> None:
        self.clients.__exit__(*given)

    @property
    def visits(self) -> list[Tried]:
        """All so far."""
        return list(self.clients.tried)

    def failed(self) -> list[str]:
        """Why."""
        return [one.reason for one in self.visits if one.reason]

    def _visit(self, _: Login) -> None:
        from cryptography import x509

        trusting, withdrawn = self._trusting()
        with (
            socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT) as plain,
            trusting.wrap_socket(plain, server_hostname=self._name) as tls,
        ):
            shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
            if shown.serial_number in withdrawn:
                raise ConnectionError("its certificate is revoked")
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while part := tls.recv(4096):
                answer += part
            if not answer.endswith(SHOWN.encode()):
                raise ConnectionError("it shows something else")
            self.serials.append(shown.serial_number)

    def _trusting(self) -> tuple[ssl.SSLContext, Collection[int]]:
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > LOOKS_SECONDS:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.load_verify_locations(cadata=self._authority)
                if self._revoked is not None:
                    with in_memory(self._revoked()) as path:
                        context.load_verify_locations(cafile=path)
                    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
                self._made = (time.monotonic(), context, self._asks() if self._asks is not None else ())
            return self._made[1], self._made[2]
