"""The ways in which a boundary can go wrong."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tests.faults.calls.machinery import invocation
from tests.worlds.fleet import FIRST, SECOND, SILENT_SECONDS
from tests.worlds.invocation import PERMANENT, UNAVAILABLE, Boundary, Invocation, Killed, Outcome, Port

THROTTLED_CALLS = 3
FOR_GOOD = 1_000_000
"""Calls: longer than any Retry goes on."""


class Kind(StrEnum):
    REFUSED = "fails before"
    FAILED_DONE = "fails after"
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
    LAUNCHED = "an instance is launched"
    ENDED = "the first instance ends"
    REBOOTED = "an instance boots anew"
    SILENT = "an agent does not answer for a while"
    DEPLOYED = "somebody deploys the service as it was at first"
    NODE_DOWN = "a node of the Swarm is down for a while"


NEEDS_EFFECT = {Kind.FAILED_DONE, Kind.CRASHED, Kind.TIMED_OUT_DONE, Kind.STOPPED_DONE}
ACTS_LATE = {Kind.ZOMBIE, Kind.LATE, Kind.REPEATED}
OF_INSTANCES = {Kind.LAUNCHED, Kind.ENDED, Kind.REBOOTED, Kind.SILENT}
IN_A_SWARM = {Kind.DEPLOYED, Kind.NODE_DOWN}
STOPS = {Kind.STOPPED, Kind.STOPPED_DONE, Kind.ZOMBIE}


def why_not(kind: Kind, boundary: Boundary, later: Sequence[Boundary]) -> str:
    """Why that cannot happen there; empty if it can. `later`: what follows in the same invocation."""
    if kind in NEEDS_EFFECT and not boundary.changed:
        return "only looks: there is no effect to have"
    if kind in (Kind.REFUSED, Kind.FAILED_DONE) and boundary.port not in PERMANENT:
        return "the port has no lasting refusal"
    if kind in ACTS_LATE and not any(one.changed for one in (boundary, *later)):
        return "the call has no effect left that could come late"
    if kind is Kind.FAIL_OVER and boundary.port is not Port.DATABASE:
        return "the call is not the database's: the same as at its next one"
    return ""


def touches(boundary: Boundary) -> bool:
    """Whether a password or a label moves there."""
    return boundary.what.startswith(("alter ", "discard ", "swap ", "create "))


def befalls(world: Any, kind: Kind) -> None:
    """What becomes of one instance."""
    instances = world.instances
    if kind is Kind.LAUNCHED:
        instances.launch()
    if kind is Kind.ENDED:
        instances.end(FIRST)
    if kind is Kind.REBOOTED:
        instances.reboot(SECOND)
    if kind is Kind.SILENT:
        instances.change(SECOND, silent_until=world.clock + SILENT_SECONDS)


def befalls_the_swarm(world: Any, kind: Kind) -> None:
    """What becomes of a service's tasks."""
    if kind is Kind.DEPLOYED:
        world.deploy()
    if kind is Kind.NODE_DOWN:
        world.lose_a_node()


class Strike:
    """One fault at one boundary of one invocation."""

    def __init__(self, kind: Kind, number: int) -> None:
        self.kind, self._number = kind, number
        self.instead: Outcome | None = None
        """What the machine gets to see, where that is not what this invocation returned."""

    def before(self, it: Invocation, boundary: Boundary) -> None:
        if boundary.number == self._number:
            self._refuse(boundary)
            self._befall(it, boundary)

    def _refuse(self, boundary: Boundary) -> None:
        if self.kind is Kind.REFUSED:
            raise PERMANENT[boundary.port](f"refused: {boundary.port}")
        if self.kind is Kind.TIMED_OUT:
            raise UNAVAILABLE[boundary.port](f"no answer: {boundary.port}")
        if self.kind in (Kind.DIES, Kind.STOPPED):
            raise Killed

    def _befall(self, it: Invocation, boundary: Boundary) -> None:
        kind, world = self.kind, it.world
        if kind in (Kind.ZOMBIE, Kind.LATE):
            it.leave_lying()
        if kind is Kind.REPEATED:
            self.instead = invocation(world, it.function, it.event, f"{it.name}-again").run()
        if kind is Kind.POD:
            world.pods.lose_one()
        if kind in OF_INSTANCES:
            befalls(world, kind)
        if kind in IN_A_SWARM:
            befalls_the_swarm(world, kind)
        if kind is Kind.FAIL_OVER:
            world.source.fail_over()
        if kind in (Kind.THROTTLED, Kind.OUTAGE):
            world.throttled[boundary.port] = (THROTTLED_CALLS if kind is Kind.THROTTLED else FOR_GOOD) - 1
            raise UNAVAILABLE[boundary.port](f"no answer: {boundary.port}")

    def after(self, _: Invocation, boundary: Boundary) -> None:
        if boundary.number != self._number:
            return
        if self.kind is Kind.FAILED_DONE:
            raise PERMANENT[boundary.port](f"said to have failed: {boundary.port}")
        if self.kind is Kind.TIMED_OUT_DONE:
            raise UNAVAILABLE[boundary.port](f"no answer: {boundary.port}")
        if self.kind in (Kind.CRASHED, Kind.STOPPED_DONE):
            raise Killed
