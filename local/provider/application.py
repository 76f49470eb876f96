"""An application that sends mail through a provider: for each request it makes a call of the provider's API, with the key that its
secret says. It never asks twice."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from local.load import USER_HEADER
from local.ports import free_port
from local.provider.service import filled

HOST = "127.0.0.1"
SHOWN = "mail: taken by the provider"
SECONDS = 5
IDLE_SECONDS = 5
"""So long a connection is kept that nobody uses. The provider closes it after 20."""


class Application:
    """`read`: what its secret holds now. `said`: the description, of which it knows how a key is sent."""

    def __init__(self, read: Callable[[], Mapping[str, Any]], said: Mapping[str, Any], host: str, ca: str, cache: float) -> None:
        self._read, self._cache = read, cache
        self._caller = Caller(said["try"], host, ssl.create_default_context(cadata=ca))
        self._lock = Lock()
        self._known: Mapping[str, Any] = {}
        self._until = 0.0

    def __enter__(self) -> Self:
        self._server = _Server((HOST, free_port()), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._caller.close()

    @property
    def page(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def key(self) -> Mapping[str, Any]:
        """As it was read last, for as long as it may be."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._known, self._until = self._read(), time.monotonic() + self._cache
            return self._known

    def works(self, key: Mapping[str, Any]) -> bool:
        return self._caller.taken({"id": key["username"], "secret": key["password"]})


class Caller:
    """Calls the provider there as the description's try says. It keeps its connections, as the providers' own clients do."""

    def __init__(self, call: Mapping[str, Any], host: str, tls: ssl.SSLContext) -> None:
        self._call, self._host, self._tls = call, host, tls
        self._idle: list[tuple[float, http.client.HTTPSConnection]] = []

    def taken(self, key: Mapping[str, str]) -> bool:
        """Whether the provider takes that key."""
        headers = {name: filled(text, key) for name, text in self._call["headers"].items()}
        connection = self._connection()
        try:
            connection.request(self._call.get("method", "GET"), self._call["path"], headers=headers)
            with connection.getresponse() as answer:
                taken = str(answer.status) in self._call["accepted"] and bool(json.loads(answer.read()))
        except BaseException:
            connection.close()
            raise
        self._idle.append((time.monotonic(), connection))
        return taken

    def close(self) -> None:
        """Those that wait for a call; afterwards others are opened again."""
        while self._idle:
            self._idle.pop()[1].close()

    def _connection(self) -> http.client.HTTPSConnection:
        """The one that was used last, unless the other end may have closed it by now."""
        while self._idle:
            since, connection = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS:
                return connection
            connection.close()
        return http.client.HTTPSConnection(self._host, timeout=SECONDS, context=self._tls)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _handler(application: Application) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = application.key()
            try:
                works = application.works(key)
            except (OSError, ValueError, http.client.HTTPException):
                works = False
            body = (SHOWN if works else "mail: refused").encode()
            self.send_response(200 if works else 502)
            self.send_header(USER_HEADER, key["username"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
            """Nobody reads it."""

    return Handler
