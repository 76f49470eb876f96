"""StartTarget: begin the rotation of one target whose turn it is, unless somebody else is rotating it, or was.

`states:startExecution` in the machine would do for AWS. A function does it since it has to look before it: an execution that is
refused because another one has the lock ends FAILED, with an alarm, for nothing. And it works on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.fleet.outcome import Came, Outcome, poll_seconds
from rotation.fleet.run import started_by
from rotation.protocol.fleet_turns import Turn
from rotation.protocol.intents import read_record
from rotation.steps.look_at_target import ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.core.model import Labels
    from rotation.ports import FleetWorld, SecretStore


def start_target(world: FleetWorld, event: Mapping[str, Any]) -> dict[str, Any]:
    """`running`, and when to look; or `ended`, with an outcome that is written down. Asked again, it finds what it started."""
    turn = Turn(event)
    store = world.record(turn.record)
    labels = store.labels()
    came = _somebody_else(world, turn, store, labels)
    if came is not None:
        return ended(world, turn, came)
    began = world.now()
    given = {"target": turn.target, "started_by": started_by(turn.run)}
    world.start(turn.name, given)
    return {"status": "running", "wait_seconds": poll_seconds(0), "began": began, "beside": labels.pending or ""}


def _somebody_else(world: FleetWorld, turn: Turn, store: SecretStore, labels: Labels) -> Came | None:
    ours = world.execution_arn(turn.name)
    if labels.pending is not None:
        tag = read_record(store, labels.pending).tag
        if tag is not None and tag.owner != ours and world.execution_is_alive(tag.owner, store.age_seconds(labels.pending)):
            return Came(Outcome.BUSY, f"{tag.owner.rsplit(':', 1)[-1]} is at it")
    if labels.current != turn.current and world.execution(turn.name) is None:
        return Came(Outcome.MEANWHILE, "another version became current after the fleet had looked")
    return None
