"""DecideWave: whether the next wave begins, by what came of those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.fleet.budget import after
from rotation.fleet.run import Plan, outcomes_folder, outcomes_in, plan_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.ports import FleetWorld


def decide_wave(world: FleetWorld, event: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict, with its reason, and the number of the next wave."""
    run, wave = str(event["run"]), int(event["wave"])
    plan = Plan.parse(world.read(plan_key(run)))
    outcomes = outcomes_in(run, world.keys(outcomes_folder(run)))
    decision = after(wave, plan.waves, outcomes, plan.settings.percent)
    return {"verdict": str(decision.verdict), "reason": decision.reason, "through": wave, "next": wave + 1}
