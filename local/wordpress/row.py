"""Rotations in a row of a WordPress whose instances come and go: in each one is launched, and the oldest is ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from local.follow import Run, follow
from local.row import Row
from local.wordpress.site import LIGHT
from local.wordpress.stack import WordPress

LIGHT_ONES = (f"/{LIGHT}",) * 3
"""Three of four requests are for the page that costs little."""


@dataclass
class ComingAndGoing(Row):
    """What came of it, as it happens."""

    stack: WordPress
    launched: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def _followed(self, arn: str, name: str) -> Run:
        """One is launched while the others are told; the oldest ends once that became current."""
        left: dict[str, Callable[[], object]] = {"WriteWpConfig": self._launch, "FlipSlot": self._end}
        run = Run(arn)
        for run, visit in follow(self.stack, arn):  # noqa: B007 - the last one is what is looked for
            if visit and (act := left.pop(visit.state, None)):
                act()
            self._progress(name)
        self.problems += [f"{name}: {state} was not reached" for state in left]
        self._wait_for_the_launched(name)
        return run

    def _launch(self) -> None:
        self.launched.append(self.stack.fleet.launch().id)

    def _end(self) -> None:
        oldest = next(iter(self.stack.fleet.instances.values()))
        self.stack.fleet.end(oldest)
        self.ended.append(oldest.id)

    def _wait_for_the_launched(self, name: str) -> None:
        self.stack.fleet.wait_until_serving()
        used = self.stack.used
        self.problems += [f"{name}: {place} holds another login" for place, held in self.stack.held().items() if held != used]
