"""The appliance: its settings page, which never shows the password, and what its devices are given.

It compares where a request says If-Match. Its devices get what is set bit by bit: one after the other within `spread_seconds`."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from local.login import Login

DEVICES = 3
SETTINGS, DEVICE = "/settings", "/device"
KEYS = {"username", "password", "version"}


@dataclass(frozen=True)
class Set:
    """What is set."""

    login: Login
    version: str | None
    number: int = 0
    since: float = 0.0


class Appliance:
    """`with Appliance(login, version) as it:` it serves at `it.settings`."""

    def __init__(self, first: Login, version: str | None, spread_seconds: float = 0.0) -> None:
        self._set, self._spread = Set(first, version), spread_seconds
        self._before = self._set
        self._lock = threading.Lock()
        self.refuses: int | None = None
        """The status with which it answers all that is put, if it does."""
        self.writes: list[str] = []
        """Versions, in the order in which they were set."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def settings(self) -> str:
        """The page's address."""
        return f"{self._address}{SETTINGS}"

    @property
    def device(self) -> str:
        """Where the last of its devices finds its login."""
        return f"{self._address}{DEVICE}"

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def held(self) -> Set:
        """What is set now."""
        return self._set

    def shown(self) -> tuple[dict[str, Any], str]:
        """The page, and its ETag."""
        return {"username": self._set.login.username, "version": self._set.version, "left": self._left()}, f'"{self._set.number}"'

    def _left(self) -> int:
        """Devices that have not got it yet."""
        if not self._set.number or self._spread <= 0:
            return 0
        passed = (time.monotonic() - self._set.since) / self._spread
        return max(0, DEVICES - int(passed * DEVICES))

    def given(self) -> Login:
        """What the last device has."""
        return self._before.login if self._left() else self._set.login

    def put(self, wanted: Any, etag: str) -> int:
        """The status."""
        with self._lock:
            if self.refuses:
                return self.refuses
            if etag != self.shown()[1]:
                return 412
            if not isinstance(wanted, dict) or wanted.keys() != KEYS or not all(isinstance(one, str) for one in wanted.values()):
                return 400
            self.place(Login(wanted["username"], wanted["password"]), wanted["version"])
            return 200

    def place(self, login: Login, version: str | None) -> None:
        """As a person would by hand."""
        self._before, self._set = self._set, Set(login, version, self._set.number + 1, time.monotonic())
        self.writes.append(version or "")


def _handler(appliance: Appliance) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == DEVICE:
                login = appliance.given()
                self._answer(200, {"username": login.username, "password": login.password})
            else:
                self._answer(200, *appliance.shown())

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status = appliance.put(json.loads(body), self.headers.get("if-match", ""))
            self._answer(status, {})

        def _answer(self, status: int, body: Any, etag: str = "") -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            if etag:
                self.send_header("etag", etag)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *given: Any) -> None:  # noqa: A002 - as its base class has it
            """Nothing of it is anybody's business."""

    return Handler
