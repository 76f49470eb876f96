"""Walking over everything that may happen, each situation once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from tests.faults.laws.violation import Violation

N = TypeVar("N")


class Branch(NamedTuple, Generic[N]):
    """What may happen next."""

    what: str
    """In words."""
    grow: Callable[[], list[N]]
    """The situations to which it may lead: none at the end of a run."""
    pair: bool = False
    """Whether it is the second of two faults."""


@dataclass(frozen=True)
class Found:
    """A law that was broken, and how to get there."""

    law: str
    what: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Count:
    """Runs that were made; and pairs of faults that were made, and that were left out."""

    runs: int = 0
    pairs: int = 0
    left_out: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.runs + other.runs, self.pairs + other.pairs, self.left_out + other.left_out)


ONE, PAIR, LEFT_OUT, NONE = Count(1), Count(0, 1), Count(0, 0, 1), Count()


class LeftOut(Exception):
    """This branch is not walked, only counted."""


class Search(ABC, Generic[N]):
    """Depth first. Two situations with the same future are one: how many runs lead on from it is counted, not repeated."""

    def __init__(self, *, stop_at: int = 1) -> None:
        self.found: list[Found] = []
        self._stop_at = stop_at
        self._known: dict[Hashable, Count | None] = {}
        """How many runs lead on from a situation; None while that is being found out."""
        self._path: list[str] = []

    @property
    def nodes(self) -> int:
        return len(self._known)

    @abstractmethod
    def key(self, node: N) -> Hashable:
        """The same for situations with the same future."""

    @abstractmethod
    def branches(self, node: N) -> Iterator[Branch[N]]:
        """What may happen next."""

    def runs(self, node: N) -> Count:
        """How many there are from here; it stops early when enough was found."""
        if len(self.found) >= self._stop_at:
            return NONE
        key = self.key(node)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._explore(node)
        runs = self._known[key]
        if runs is None:
            raise Violation("at-rest", "it comes back to where it was: it would go on for ever")
        return runs

    def _explore(self, node: N) -> Count:
        return sum((self.walked(branch) for branch in self.branches(node)), NONE)

    def walked(self, branch: Branch[N]) -> Count:
        """What comes of that, and of all that may happen after it; what breaks on the way is found."""
        total = PAIR if branch.pair else NONE
        self._path.append(branch.what)
        try:
            total += self._followed(branch.grow())
        except LeftOut:
            total = LEFT_OUT
        except Violation as violation:
            total += self._note(violation.law, violation.what, f"then at {violation.where}")
        except Exception as error:  # noqa: BLE001 - a step that breaks is found, like all else
            total += self._note("error", f"{type(error).__name__}: {error}", "")
        finally:
            self._path.pop()
        return total

    def _followed(self, children: list[N]) -> Count:
        total = NONE if children else ONE
        for child in children:
            total += self.runs(child)
        return total

    def _note(self, law: str, what: str, where: str) -> Count:
        self.found.append(Found(law, what, tuple(one for one in (*self._path, where) if one)))
        return ONE
