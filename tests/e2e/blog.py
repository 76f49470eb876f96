"""WordPress on instances in tests: rotations in the middle of which something happens to them."""

from __future__ import annotations

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
