"""A condition is waited for, not a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 180.0
"""For what hangs. What is only slow, on a machine that has much to do, comes before that."""
EVERY_SECONDS = 0.02
Found = TypeVar("Found")


def until(
    holds: Callable[[], Found | None],
    within: float = PATIENCE_SECONDS,
    every: float = EVERY_SECONDS,
    seen: Callable[[], object] = lambda: "",
) -> Found:
    """The first answer that is not false. `seen`: what there is instead, for whoever reads that it did not come."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, f"it did not come true within {within:g} s: {seen()}"
        time.sleep(every)
    return found
