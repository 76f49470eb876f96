"""The way to the small Swarm of swarm.py: as the shipped adapter's own connection in memory, and as a server that speaks TLS."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rotation.consumers.swarm.engine import Access, Engine, Identity

from tests.worlds.server import Server
from tests.worlds.swarm import Swarm

MANAGER = "manager.example:2376"


def _nobody() -> Identity:
    raise AssertionError("in memory nobody asks who we are")


class EngineInMemory(Engine):
    """All but the wire: what a status means is decided by what ships."""

    def __init__(self, swarm: Swarm, *managers: str) -> None:
        super().__init__(Access(managers or (MANAGER,), "", "1.3", _nobody))
        self._swarm = swarm

    def _connect(self) -> None:
        return

    def _exchange(self, method: str, target: str, body: Any) -> tuple[int, bytes]:
        asked = urlsplit(target)
        answer = self._swarm.answer(method, unquote(asked.path), dict(parse_qsl(asked.query)), body)
        return answer.status, b"" if answer.body is None else json.dumps(answer.body).encode()


class EngineServer:
    """One manager's engine, on a free port of 127.0.0.1. It takes a client whom its authority vouches for."""

    def __init__(self, swarm: Swarm, certificate: str, key: str, ca: str, **versions: str) -> None:
        self.swarm, self.versions = swarm, versions
        self.asked: list[str] = []
        """Every path, with its version."""
        self.hangs_up_after: str | None = None
        """A method: once it was done, no answer is sent."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(cadata=ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = context
        self._server = Server(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def manager(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator["EngineServer"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        here = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                here.asked.append(self.path)
                asked = urlsplit(self.path)
                path = "/" + asked.path.split("/", 2)[2] if asked.path.startswith("/v1.") else asked.path
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                answer = here.swarm.answer(self.command, unquote(path), dict(parse_qsl(asked.query)), body)
                if here.hangs_up_after == self.command:
                    here.hangs_up_after = None
                    self.close_connection = True
                    return
                content = answer.body | here.versions if path == "/version" else answer.body
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                """The tests' output is read by people."""

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ssl.SSLError):
                    self.close_connection = True  # a client that went away, or whom we do not take

        return Handler
