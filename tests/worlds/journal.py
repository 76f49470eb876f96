"""What was done to the small world, in order; and where a test may cut in, or cut off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Crash(Exception):
    """The function died here: out of memory, timed out, its machine gone."""


class Journal:
    """Every part of the world writes its changes down here, and says when it is looked at."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.after_each_write: Callable[[], None] = lambda: None
        self._meanwhile: dict[str, Callable[[], object]] = {}
        self._crash: tuple[int, bool] | None = None

    def meanwhile(self, before: str, act: Callable[[], object]) -> None:
        """Somebody else acts, once, right before that look or that write."""
        self._meanwhile[before] = act

    def crash(self, write: int, *, done: bool) -> None:
        """The function dies at the write of that number (0: the next one), which is done by then, or not."""
        self._crash = (len(self.writes) + write, done)

    def look(self, what: str) -> None:
        """Something is about to be looked at."""
        self._meanwhile.pop(what, lambda: None)()

    @contextmanager
    def write(self, what: str) -> Iterator[None]:
        """Something is changed; what raises inside was not done."""
        self.look(what)
        number = len(self.writes)
        if self._crash == (number, False):
            self._crash = None
            raise Crash(what)
        yield
        self.writes.append(what)
        self.after_each_write()
        if self._crash == (number, True):
            self._crash = None
            raise Crash(what)
