"""What the application knows of its secret, and the connections that it opens with that."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from local.login import Login
from local.shop.databases import Session

KEPT_CONNECTIONS = 4
C = TypeVar("C")


class Logins(Protocol):
    """What to log in with."""

    def connect(self, log_in: Callable[[Login], C]) -> C:
        """What that returns for it."""


class Known:
    """The secret, as the application knows it."""

    def __init__(self, look: Callable[[], Login], keeps_seconds: float) -> None:
        self._look, self._keeps = look, keeps_seconds
        self._lock, self._looked = threading.Lock(), float("-inf")
        self._login = Login("", "")

    def connect(self, log_in: Callable[[Login], C]) -> C:
        return log_in(self.read())

    def read(self) -> Login:
        with self._lock:
            began = time.monotonic()
            if began - self._looked >= self._keeps:
                self._login, self._looked = self._look(), began
            return self._login


@dataclass(frozen=True)
class Opened:
    user: str
    session: Session
    at: float


class Connections:
    """New ones, and a few that are kept; those are used in turn, so that each of them works all the time."""

    def __init__(
        self,
        open_one: Callable[[Login], Session],
        logins: Logins,
        lifetime_seconds: float,
        called: Callable[[Login], str] = lambda login: login.username,
    ) -> None:
        """`called`: what a page says of the login that it was served with."""
        self._open_one, self._logins, self._lifetime, self._called = open_one, logins, lifetime_seconds, called
        self._kept: queue.SimpleQueue[Opened | None] = queue.SimpleQueue()
        for _ in range(KEPT_CONNECTIONS):
            self._kept.put(None)

    @contextmanager
    def new(self) -> Iterator[Opened]:
        opened = self._open()
        try:
            yield opened
        finally:
            opened.session.close()

    @contextmanager
    def kept(self) -> Iterator[Opened]:
        """One that failed is not used again."""
        opened, well = self._kept.get(), False
        try:
            if opened and time.monotonic() - opened.at >= self._lifetime:
                opened.session.close()
                opened = None
            opened = opened or self._open()
            yield opened
            well = True
        finally:
            if opened and not well:
                opened.session.close()
            self._kept.put(opened if well else None)

    def _open(self) -> Opened:
        return self._logins.connect(lambda login: Opened(self._called(login), self._open_one(login), time.monotonic()))
