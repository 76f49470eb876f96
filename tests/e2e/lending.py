"""One world for all tests of a session, lent to one test at a time. What a test does to it is that test's failure and nobody
else's: before the next begins, the world is put back, or there is a new one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class World(Protocol):
    def begin(self) -> None:
        """A test begins: what it will have changed is told by what there is now."""

    def assert_well(self, *, always_served: bool) -> None:
        """At rest again; `always_served`: no request has failed since the test began."""

    def put_back(self) -> None:
        """After a failed test: whatever that one left, the world is well afterwards, or this raises."""

    def close(self) -> None:
        """The last checks, and its end. It is gone afterwards, also if a check fails."""


W = TypeVar("W", bound=World)


class Lender(Generic[W]):
    """`say` is told what was done for the tests that follow a failed one."""

    def __init__(self, build: Callable[[], W], say: Callable[[str], None], patience: float = 60.0) -> None:
        self._build, self._say, self._patience = build, say, patience
        self._world: W | None = None

    @property
    def world(self) -> W:
        """The one that there is now; built where there is none."""
        if self._world is None:
            self._world = self._build()
        return self._world

    @contextmanager
    def lend(self, test: str, failed: Callable[[], bool], *, always_served: bool = True) -> Iterator[W]:
        """To one test. `failed`: whether that one has failed by now, however."""
        world = self.world
        world.begin()
        yield world
        try:
            if not failed():
                world.assert_well(always_served=always_served)
                return
        except BaseException:
            self._recover(test)
            raise
        self._recover(test)

    def close(self) -> None:
        world, self._world = self._world, None
        if world is not None:
            world.close()

    def _recover(self, test: str) -> None:
        try:
            within(self._patience, self.world.put_back)
        except Exception as error:  # noqa: BLE001 - whatever it is, this world is of no use to the next test
            self._say(f"after {test}: a new world, as this one could not be put back ({type(error).__name__}: {error})"[:400])
            self.close()
        else:
            self._say(f"after {test}: its world was put back")


def within(seconds: float, act: Callable[[], object]) -> None:
    """Not for longer: what was stopped never answers. Whoever still waits then is left behind, and ends with the world."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - it is for the caller
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"it was not done within {seconds:g} s")
    if raised:
        raise raised[0]
