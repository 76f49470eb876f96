"""WordPress on instances in tests: rotations in the middle of which something happens to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.follow import Run, follow
from local.mysql import Login
from local.shop.stack import Pace
from local.wordpress.stack import WordPress
from tests.e2e.rotations import Turns

PACE = Pace(quiet_seconds=1, cache_seconds=1)


class WordPressTurns(Turns):
    stack: WordPress

    def working_at_rest(self) -> tuple[Login, ...]:
        """Of two passwords of one user the one that is used."""
        return (self.active, self.admin)

    def follow(self, meanwhile: dict[str, Callable[[], object]], **given: Any) -> Run:
        """A rotation; each act once, when its state has ended for the first time."""
        arn = self.start(**given)
        run, left = Run(arn), dict(meanwhile)
        for now, visit in follow(self.stack, arn):
            run = now
            if visit and (act := left.pop(visit.state, None)):
                act()
        assert left == {}
        return run
