"""ReportFleet: one summary of a run, written down, measured, and told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.fleet.outcome import Outcome
from rotation.fleet.report import reported, text
from rotation.fleet.run import Plan, outcome_key, outcomes_folder, outcomes_in, plan_key, report_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.ports import FleetWorld


def report_fleet(world: FleetWorld, event: Mapping[str, Any]) -> dict[str, Any]:
    """How the machine is to end, and a sentence that says it. Asked again, it tells the same again."""
    run = str(event["run"])
    plan = Plan.parse(world.read(plan_key(run)))
    outcomes = outcomes_in(run, world.keys(outcomes_folder(run)))
    report = reported(plan, outcomes, _whys(world, run, outcomes), through=int(event["through"]), stopped=str(event["stopped"]))
    world.write(report_key(run), report.as_dict())
    if report.is_told:
        world.tell(f"fleet ended {report.end}, {report.sentence}", text(report))
    return {"end": str(report.end), "said": report.cause, "measured": report.measured()}


def _whys(world: FleetWorld, run: str, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Only what has something to say is read."""
    said = [(target, one) for target, one in outcomes.items() if one is not Outcome.ROTATED]
    found = world.each(lambda one: world.read(outcome_key(run, *one)), said)
    return {target: str((document or {}).get("why", "")) for (target, _), document in zip(said, found, strict=True)}
