"""Requests per second by database user, as areas one upon the other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from local.load import Request, Results

OTHERS = "others"
MOST_STRETCHES = 600  # more than a screen can show


@dataclass(frozen=True)
class Traffic:
    """In stretches of `width` seconds: one, or in a long demo as many as make no more than 600 stretches. The last may be cut."""

    start: float
    seconds: float
    width: int
    served: dict[str, list[float]]
    """user → served requests per second, stretch by stretch; the last one is `others`, if there were any."""
    failed: list[int]
    """Requests, not per second: one in an hour counts."""

    @property
    def layers(self) -> dict[str, list[float]]:
        """What is drawn one upon the other, per second; on top, without a name, the failed ones."""
        return {**self.served, "": [count / length for count, length in zip(self.failed, self._lengths, strict=True)]}

    @property
    def highest(self) -> float:
        """Requests per second, failed ones included."""
        return max((sum(rates) for rates in zip(*self.layers.values(), strict=True)), default=0.0)

    @property
    def outages(self) -> list[tuple[float, float, int]]:
        """(from, until, failed requests): stretches with failures that follow each other are one."""
        found: list[tuple[float, float, int]] = []
        for index, failed in enumerate(self.failed):
            begin, end = self.start + index * self.width, self.start + min((index + 1) * self.width, self.seconds)
            if failed and index and self.failed[index - 1]:
                found[-1] = (found[-1][0], end, found[-1][2] + failed)
            elif failed:
                found.append((begin, end, failed))
        return found

    @property
    def _lengths(self) -> list[float]:
        return lengths(len(self.failed), self.width, self.seconds)


def lengths(stretches: int, width: int, seconds: float) -> list[float]:
    return [min(width, seconds - index * width) for index in range(stretches)]


def traffic(results: Results, users: list[str]) -> Traffic:
    """`users` are told apart; everybody else is one of the others."""
    moments = [request.at for request in results.requests]
    if not moments:
        return Traffic(0.0, 1.0, 1, {user: [] for user in users}, [])
    # A request stands for the time around it, so that none falls on the border of two stretches by a rounding error.
    interval = (max(moments) - min(moments)) / max(len(moments) - 1, 1) or 1.0
    start, seconds = min(moments) - interval / 2, interval * len(moments)
    width = math.ceil(seconds / MOST_STRETCHES)
    stretches = math.ceil(round(seconds / width, 6))

    def counted(belongs: Callable[[Request], bool]) -> list[int]:
        found = Counter(min(int((one.at - start) / width), stretches - 1) for one in results.requests if belongs(one))
        return [found[index] for index in range(stretches)]

    counts = {user: counted(lambda one, user=user: one.ok and one.user == user) for user in users}
    others = counted(lambda one: one.ok and one.user not in users)
    if any(others):
        counts[OTHERS] = others
    each = lengths(stretches, width, seconds)
    served = {user: [count / length for count, length in zip(found, each, strict=True)] for user, found in counts.items()}
    return Traffic(start, seconds, width, served, counted(lambda one: not one.ok))


def area(lower: list[float], upper: list[float]) -> str:
    """The path of an SVG between two staircases, a stretch being one unit wide."""
    forth = " ".join(f"H{index} V{value:.2f} H{index + 1}" for index, value in enumerate(upper))
    back = " ".join(f"V{value:.2f} H{index}" for index, value in reversed(list(enumerate(lower))))
    return f"M0 {lower[0]:.2f} {forth} {back} Z" if lower else ""
