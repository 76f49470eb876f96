"""The order of things turned round: flips, the way back, drains, what is last, what is done once."""

from typing import Any
from unittest.mock import patch

from rotation.core.model import Slot
from rotation.protocol import altering, intents
from rotation.steps import close_flip as closing
from rotation.steps import discard_old_password as discarding

from tests.faults.teeth.mutation import ALL_STARTS, STEPS, Mutation, in_the_machine, replaced, several

_confirm = intents.confirm


_ensure = altering.ensure_password


_stamps = iter(range(10**9))


def restart_with_a_timestamp(world: Any, request: Any) -> dict[str, Any]:
    _confirm(world.slots, request.claim.version, request.direction)
    world.workload(request.consumer).restart(request.mark, str(next(_stamps)))
    return {"began": world.now(), "status": "waiting", "wait_seconds": 2}


_close = closing.close_flip


def landed_is_closed(world: Any, request: Any) -> dict[str, Any]:
    answer = _close(world, request)
    if answer["outcome"] == "landed":
        return {"outcome": "closed", "entry": str(Slot.A if answer["entry"] == Slot.B else Slot.B)}
    return answer


def no_drain(states: dict[str, Any]) -> None:
    """It is looked at, and what is seen makes no difference."""
    states["IsDrained"]["Choices"] = [{"Variable": "$.drain.began", "IsPresent": True, "Next": "RotateOldSlot"}]
    states["IsStillDrained"]["Choices"] = [{"Variable": "$.drain.began", "IsPresent": True, "Next": "DiscardOldPassword"}]


def nobody_works_with_it(world: Any, request: Any, admin: Any, version: str, record: Any) -> int:
    old = record.credential(record.leaves)
    with admin.session() as session:
        return _ensure(world, session, old, record.credential(record.active), lambda: None)


def discard_at_once(world: Any, request: Any) -> dict[str, Any]:
    seen = intents.confirm_forward(world.slots, request.claim.version)
    with patch.multiple(discarding, confirm_forward=lambda *_: seen, refuse_in_use=lambda *_: None):
        return _discard(world, request)


_discard = discarding.discard_old_password


def straight_back(states: dict[str, Any]) -> None:
    """Without closing the flip: to what ReadSlots called the old slot."""
    states["ChooseWayBack"]["Default"] = "Straight"
    states["Straight"] = {
        "Type": "Pass",
        "Parameters": {"outcome": "closed", "entry.$": "$.situation.old_slot"},
        "ResultPath": "$.closed",
        "Next": "RollBack",
    }


def flip_first(states: dict[str, Any]) -> None:
    states["AimAtNewSlot"]["Next"] = "FlipSlot"
    states["FlipSlot"]["Next"] = "AllConsumers"
    states["ChooseEnd"]["Default"] = "ChooseOverlap"


def released_early(states: dict[str, Any]) -> None:
    states["DiscardOldPassword"]["Next"] = "ReleaseRotation"


ORDER = [
    Mutation(
        "rolled back after the flip", replaced(f"{STEPS}.close_flip.close_flip", landed_is_closed), ALL_STARTS, strike_at="FlipSlot"
    ),
    Mutation("rolled back without closing the flip", in_the_machine(straight_back), ALL_STARTS, strike_at="FlipSlot"),
    Mutation("flipped before it is published", in_the_machine(flip_first), strike_at="RestartApp"),
    Mutation(
        "the drain skipped",
        several(
            in_the_machine(no_drain),
            replaced(f"{STEPS}.rotate_old_slot._alter", nobody_works_with_it),
            replaced(f"{STEPS}.discard_old_password.discard_old_password", discard_at_once),
        ),
    ),
    Mutation("the admin left out", in_the_machine(released_early)),
    Mutation(
        "a timestamp in the restart", replaced(f"{STEPS}.restart_app.restart_app", restart_with_a_timestamp), strike_at="RestartApp"
    ),
]
