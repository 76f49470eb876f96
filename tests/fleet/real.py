"""Thirty real targets in one stack: five of each of a platform's six kinds, rotated by one run of the deployed fleet under load.

Real: PostgreSQL, two nodes of Redis, OpenBao, the shipped template with its machines and functions. Stand-ins: AWS with its IAM
and the bucket of the JWKS, the two providers of API keys. Nothing is tried again by whoever asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from local.load import Results
from local.options import PLATFORM, Options
from local.report import Report
from local.services.demo import Loads, Story, examine, rotate_all
from local.services.stack import Kind, Platform

SETS, RATE, PER_PLACE = 5, 1, 3
"""Of each kind, a second of each target, and as a stack has it unless somebody says otherwise."""
PATIENCE_SECONDS = 1800.0
NAME = "of-all-kinds"


@dataclass(frozen=True)
class Rotated:
    """What came of it."""

    report: Report
    kinds: dict[str, Kind]
    """By target."""
    flips_seconds: float
    """From the run's start to its end, which is when the last target has flipped."""

    def of(self, kind: str) -> Iterator[str]:
        """Its targets."""
        return (name for name, one in self.kinds.items() if one.kind == kind)


def run(sets: int = SETS) -> Rotated:
    """To the end of every rotation, and until whoever still had the old one has read the new one."""
    began, options = time.monotonic(), Options(rotations=1, rate=RATE, app=PLATFORM)
    with Platform(sets=sets) as stack:
        with Loads(stack, options.rate) as loads:
            story = Story.of(stack, loads)
            arn = rotate_all(story, NAME, patience=PATIENCE_SECONDS, per_place=PER_PLACE)
            time.sleep(stack.pace.cache_seconds + stack.pace.lifetime_seconds + 1)
            requests = loads.stop()
        ran = stack.aws.client("stepfunctions").describe_execution(executionArn=arn)
        flips = (ran["stopDate"] - ran["startDate"]).total_seconds() if "stopDate" in ran else float("inf")
        return Rotated(examine(story, requests, options, began), stack.kinds, flips)


def table(found: Rotated) -> Iterator[str]:
    """By kind."""
    yield f"{'kind':>10}{'targets':>9}{'requests':>10}{'failed':>8}{'slowest':>10}{'retired':>9}{'refused':>9}"
    for kind in dict.fromkeys(one.kind for one in found.kinds.values()):
        names = set(found.of(kind))
        asked = Results(tuple(one for lane in found.report.lanes if lane.name in names for one in lane.requests.requests))
        retired = [one for one in found.report.retired if one.user.partition(":")[0] in names]
        numbers = f"{len(names):>9}{len(asked.requests):>10,}{len(asked.failures):>8}{asked.slowest() / 1000:>8.1f} s"
        yield f"{kind:>10}{numbers}{len(retired):>9}{sum(one.refused for one in retired):>9}"
