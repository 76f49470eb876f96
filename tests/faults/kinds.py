"""The ways in which a boundary can go wrong."""

from collections.abc import Sequence
from enum import StrEnum

from tests.worlds.invocation import PERMANENT, Boundary, Port

THROTTLED_CALLS = 3
FOR_GOOD = 1_000_000
"""Calls: longer than any Retry goes on."""


class Kind(StrEnum):
    REFUSED = "fails before"
    DIES = "dies before"
    CRASHED = "crashes after"
    TIMED_OUT_DONE = "times out, done"
    TIMED_OUT = "times out, not done"
    REPEATED = "repeated"
    STOPPED = "stopped before"
    STOPPED_DONE = "stopped after"
    ZOMBIE = "stopped, acts late"
    LATE = "taken for dead, acts late"
    POD = "pod restarts"
    FAIL_OVER = "database fails over"
    THROTTLED = "throttled"
    OUTAGE = "out of service until the run ends"


NEEDS_EFFECT = {Kind.CRASHED, Kind.TIMED_OUT_DONE, Kind.STOPPED_DONE}
ACTS_LATE = {Kind.ZOMBIE, Kind.LATE, Kind.REPEATED}
STOPS = {Kind.STOPPED, Kind.STOPPED_DONE, Kind.ZOMBIE}


def why_not(kind: Kind, boundary: Boundary, later: Sequence[Boundary]) -> str:
    """Why that cannot happen there; empty if it can. `later`: what follows in the same invocation."""
    if kind in NEEDS_EFFECT and not boundary.changed:
        return "only looks: there is no effect to have"
    if kind is Kind.REFUSED and boundary.port not in PERMANENT:
        return "the port has no lasting refusal"
    if kind in ACTS_LATE and not any(one.changed for one in (boundary, *later)):
        return "the call has no effect left that could come late"
    if kind is Kind.FAIL_OVER and boundary.port is not Port.DATABASE:
        return "the call is not the database's: the same as at its next one"
    return ""
