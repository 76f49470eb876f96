"""The provider as a server: TLS of its own authority, as many requests at once as come."""

from __future__ import annotations

import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from local.certificates import Authority
from local.ports import free_port
from local.provider.service import Provider

HOST = "127.0.0.1"
KEPT_SECONDS = 20
"""So long a connection is kept that nobody uses."""


class ProviderServer:
    """`with ProviderServer(provider, directory) as server:` it answers at `server.host`."""

    def __init__(self, provider: Provider, directory: Path) -> None:
        self.provider = provider
        self._directory = directory
        self._ended = Event()

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        authority = Authority("provider")
        issued = authority.issue(self._directory, "provider")
        self.ca_pem = authority.pem
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(issued.certificate, issued.key)
        self._server = _Server((HOST, free_port()), _handler(self.provider, self._ended))
        self._server.tls = context
        self.port = self._server.server_address[1]
        self.provider.host = self.host
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """As ApiHosts and a description name it."""
        return f"{HOST}:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is the thread's affair, so that a slow one keeps nobody else waiting."""
        request.settimeout(KEPT_SECONDS)
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:
            return


def _handler(provider: Provider, ended: Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are sent one after the other

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = provider.handle(self.command, self.path, dict(self.headers.items()), body)
            if reply.silent:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._drip(reply.body, reply.seconds)

        def _drip(self, body: bytes, seconds: float) -> None:
            """A slow one sends a byte now and then, so that no wait for the next one ends the call."""
            until = time.monotonic() + seconds
            sent = 0
            while time.monotonic() < until and sent < len(body) - 1 and not ended.wait(0.2):
                self.wfile.write(body[sent : sent + 1])
                sent += 1
            self.wfile.write(body[sent:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
            """Its log is the provider's."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler
