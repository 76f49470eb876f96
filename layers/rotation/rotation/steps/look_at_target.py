"""LookAtTarget: whether a target's rotation has flipped, by its labels and its own execution's status. No value is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.fleet.outcome import Came, Seen, came, poll_seconds
from rotation.fleet.run import outcome_key
from rotation.protocol.fleet_turns import Turn, has_flipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.ports import FleetWorld


def look_at_target(world: FleetWorld, event: Mapping[str, Any]) -> dict[str, Any]:
    """`running`, and when to look again; or `ended`, with an outcome that is written down."""
    turn = Turn(event)
    waited = world.now() - turn.began
    found = came(_seen(world, turn), waited, turn.patience)
    if found is None:
        return {"status": "running", "wait_seconds": poll_seconds(waited), "began": turn.began, "beside": turn.beside}
    return ended(world, turn, found)


def _seen(world: FleetWorld, turn: Turn) -> Seen:
    store = world.record(turn.record)
    flipped = has_flipped(store.name, store.labels(), world.execution_arn(turn.name), turn.current, turn.beside)
    ran = None if flipped else world.execution(turn.name)
    return Seen(flipped, flipped or ran is not None, bool(ran and ran.running), ran.end if ran else "", ran.cause if ran else "")


def ended(world: FleetWorld, turn: Turn, found: Came) -> dict[str, Any]:
    """Written down before it is answered: who is asked again says the same, or what has become true since."""
    document = {"target": turn.target, "outcome": str(found.outcome), "why": found.why, "execution": turn.name}
    world.write(outcome_key(turn.run, turn.target, found.outcome), document)
    return {"status": "ended", "wait_seconds": 0, "began": 0, "beside": ""}
