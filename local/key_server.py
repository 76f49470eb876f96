"""A provider that has no call to make keys: its keys are made and revoked by hand, here by whoever holds this object. Over TLS, it
says of a key whether it works; what it was asked is counted, the keys themselves are not kept."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.certificates import Authority


class KeyServer:
    """Its address, and the keys that it takes."""

    def __init__(self, authority: Authority, port: int) -> None:
        self.host, self.ca = f"localhost:{port}", authority.pem
        self.valid: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.instead: int | None = None
        """What it answers whatever it is asked."""

    @property
    def trying(self) -> dict[str, Any]:
        """`source.try` of a target."""
        return {"url": f"https://{self.host}/v1/me", "ca": self.ca}

    def make(self, key: str) -> str:
        """As a person does on its web page."""
        self.valid.add(key)
        return key

    def revoke(self, key: str) -> None:
        """As a person does on its web page."""
        self.valid.discard(key)

    def answer(self, said: str) -> int:
        status = self.instead or (200 if said.removeprefix("Bearer ") in self.valid else 401)
        self.answers[status] += 1
        return status


@contextmanager
def serving(folder: Path) -> Iterator[KeyServer]:
    """It is gone afterwards."""
    authority = Authority("a provider's")
    context = authority.issue(folder, "provider").context()

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(server.answer(self.headers.get("Authorization", "")))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """It has no log: the keys would be in it."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who does not trust it hangs up."""

    with Quiet(("127.0.0.1", 0), Asked) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        server = KeyServer(authority, listening.server_port)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
