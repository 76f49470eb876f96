"""Requests at a fixed rate, each judged on its own, none tried again.

Open loop: the next request leaves when its time has come, whether or not the last one is back, as users do.
A closed loop would send fewest requests just when the application is in trouble. Each takes a connection of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from local.cluster.http import Answer, get

RATE = 40.0  # requests a second
TIMEOUT = 5.0  # seconds; what a user would call "it hangs"
MARKER = "OpenEMR Login"
NOBODY = "unknown"  # the user of a request that got no answer
USER_HEADER = "x-database-user"
POD_HEADER = "x-pod"


@dataclass(frozen=True)
class Request:
    """One request and what became of it; `reason` is None exactly if it was served."""

    at: float  # time.time() when it was due
    user: str
    pod: str
    milliseconds: float
    reason: str | None

    @property
    def ok(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class Second:
    """`at` in whole seconds since the epoch."""

    at: int
    served: int
    failed: int


@dataclass(frozen=True)
class Results:
    requests: tuple[Request, ...]

    @property
    def served(self) -> int:
        return sum(request.ok for request in self.requests)

    @property
    def failures(self) -> list[Request]:
        return [request for request in self.requests if not request.ok]

    def by_user(self) -> dict[str, tuple[int, int]]:
        """database user → (served, failed), in the order of first appearance."""
        served = Counter(request.user for request in self.requests if request.ok)
        failed = Counter(request.user for request in self.failures)
        users = dict.fromkeys(request.user for request in self.requests)
        return {user: (served[user], failed[user]) for user in users}

    def per_second(self) -> list[Second]:
        """Every second from the first request to the last, the silent ones included."""
        served = Counter(int(request.at) for request in self.requests if request.ok)
        failed = Counter(int(request.at) for request in self.failures)
        seconds = {int(request.at) for request in self.requests}
        span: Iterable[int] = range(min(seconds), max(seconds) + 1) if seconds else ()
        return [Second(at, served[at], failed[at]) for at in span]

    def between(self, start: float, end: float) -> Results:
        """Those that were due from `start` until just before `end` (both as time.time())."""
        return Results(tuple(request for request in self.requests if start <= request.at < end))

    @property
    def rate(self) -> float:
        """Requests a second."""
        moments = [request.at for request in self.requests]
        return len(moments) / (max(moments) - min(moments)) if len(moments) > 1 else 0.0

    def slowest(self) -> float:
        """Milliseconds."""
        return max((request.milliseconds for request in self.requests), default=0.0)


class Load:
    """`with Load(url) as load:` or start and stop; it runs in a thread of its own."""

    def __init__(
        self, url: str, rate: float = RATE, timeout: float = TIMEOUT, marker: str = MARKER, more: Sequence[str] = ()
    ) -> None:
        """`more`: paths of other pages there, which are asked for in turn with it."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._targets = ((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), *more)
        self._interval = 1 / rate
        self._timeout = timeout
        self._marker = marker.encode()
        self._done: list[Request] = []
        self._open = {0.0}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True, name="load")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> Results:
        """Send no more and wait for those under way; may be called again for the same results."""
        self._stopping.set()
        self._thread.join()
        return self.results()

    def wait_for_those_before(self, moment: float) -> None:
        """Returns when what was due before that is back."""
        while self._thread.is_alive() and min(self._open.copy()) < moment:
            time.sleep(0.005)

    def results(self) -> Results:
        """So far; requests still under way are not in it."""
        return Results(tuple(self._done))

    async def _run(self) -> None:
        """Due times are counted from the start: a late wake-up sends at once what it missed."""
        start, began = time.time(), time.monotonic()
        self._open = {start}
        async with asyncio.TaskGroup() as under_way:
            number = 0
            while not self._stopping.is_set():
                due = number * self._interval
                await asyncio.sleep(max(0.0, began + due - time.monotonic()))
                under_way.create_task(self._request(start + due, self._targets[number % len(self._targets)]))
                number += 1
                self._open.add(start + number * self._interval)

    async def _request(self, at: float, target: str) -> None:
        began = time.monotonic()
        answer: Answer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await get(self._host, self._port, target)
            reason = self._objection(answer)
        except TimeoutError:
            reason = f"no answer within {self._timeout:g} s"
        except (OSError, EOFError, ValueError) as error:
            reason = f"connection failed: {type(error).__name__}"
        headers = answer.headers if answer else {}
        self._done.append(
            Request(
                at=at,
                user=headers.get(USER_HEADER, NOBODY),
                pod=headers.get(POD_HEADER, NOBODY),
                milliseconds=(time.monotonic() - began) * 1000,
                reason=reason,
            )
        )
        self._open.discard(at)

    def _objection(self, answer: Answer) -> str | None:
        """OpenEMR answers a failed login with a 200: only the page itself proves that it was served."""
        if answer.status != 200:
            return f"status {answer.status}"
        if self._marker not in answer.body:
            return f"200 without {self._marker.decode()!r}"
        return None
