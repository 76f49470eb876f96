"""ClaimRotation: write the intent ahead and take AWSPENDING, from the labels that ReadSlots saw."""

from typing import Any

from rotation.errors import RotationAlreadyRunning, RotationSuperseded, SituationChanged
from rotation.intents import version_id, write_ahead
from rotation.passwords import slot_password
from rotation.ports import World
from rotation.request import Claim, Request
from rotation.situation import decide, intent
from rotation.survey import survey


def claim_rotation(world: World, request: Request) -> dict[str, Any]:
    """The claim. Asked again by the same execution, it finds its own version and returns it."""
    seen = request.situation["labels"]
    labels = world.slots.labels()
    own = {step: version_id(world.slots.name, seen["current"], request.owner, step) for step in ("flip", "retire")}
    if labels.pending in own.values():
        return Claim(str(labels.pending)).as_dict()
    facts = survey(world, request.rotation_id, request.owner)
    decision = decide(facts)
    if decision.summary != {key: request.situation[key] for key in decision.summary} or seen != {
        "current": facts.labels.current,
        "pending": facts.labels.pending,
    }:
        raise SituationChanged(f"{world.target.name}: the situation changed between ReadSlots and ClaimRotation: {decision.reason}")
    version = own[decision.step]
    record = intent(decision, request.owner, facts.labels.current, slot_password)
    try:
        write_ahead(world.slots, version, record, facts.labels.pending)
    except RotationSuperseded:
        raise RotationAlreadyRunning(f"{world.target.name}: another execution claimed the rotation at the same moment") from None
    return Claim(version).as_dict()
