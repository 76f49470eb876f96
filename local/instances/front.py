"""The load balancer in front of instances, with health checks: a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from local.balancer import Balancer
from local.cluster.http import get
from local.priority import serve

EVERY = 1.0
"""Seconds between two checks of a target: each is a page, and takes what a page takes. An ALB's are 5 at least."""
WITHIN = 3.0
ENOUGH = 2
"""Checks in a row that change a target's health."""


Result = TypeVar("Result")


@dataclass
class Target:
    port: int
    healthy: bool = False
    row: int = 0


class Front:
    """`with Front("/") as front:` clients connect at `url`."""

    def __init__(self, check: str) -> None:
        self._check = check
        self._balancer = Balancer()
        self._targets: dict[str, Target] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="front")

    def __enter__(self) -> Self:
        self._thread.start()
        if self._thread.native_id is not None:
            serve(self._thread.native_id)  # every request goes through it
        self._do(self._balancer.start())
        self._checking = asyncio.run_coroutine_threadsafe(self._watch(), self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        self._checking.cancel()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._balancer.port}/"

    def register(self, name: str, port: int) -> None:
        """It gets requests when it is healthy."""

        async def act() -> None:
            self._targets[name] = Target(port)

        self._do(act())

    def deregister(self, name: str) -> None:
        """No new requests; returns when those in flight have ended."""

        async def act() -> None:
            self._targets.pop(name, None)
            if endpoint := self._balancer.remove(name):
                await endpoint.drained()

        self._do(act())

    def healthy(self) -> set[str]:
        """Who gets requests."""

        async def act() -> set[str]:
            return {name for name, target in self._targets.items() if target.healthy}

        return self._do(act())

    def _do(self, what: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _watch(self) -> None:
        while True:
            await asyncio.gather(*(self._look(name, target) for name, target in list(self._targets.items())))
            await asyncio.sleep(EVERY)

    async def _look(self, name: str, target: Target) -> None:
        try:
            answer = await asyncio.wait_for(get("127.0.0.1", target.port, self._check), WITHIN)
            well = answer.status == 200
        except (OSError, TimeoutError, EOFError, ValueError):
            well = False
        target.row = target.row + 1 if well != target.healthy else 0
        if target.row >= ENOUGH and self._targets.get(name) is target:
            target.healthy, target.row = well, 0
            if well:
                self._balancer.add(name, target.port)
            else:
                self._balancer.remove(name)

    async def _end(self) -> None:
        self._balancer.stop()
        left = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # what they closed is closed in the loop's next turn
