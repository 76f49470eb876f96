"""What a decision means, told step by step before anything is done: the answer of a dry run. No credential is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.model import Mode
from rotation.core.situation import Action, Decision

if TYPE_CHECKING:
    from rotation.kinds.target import Consumer, Target

Step = dict[str, str]


def plan(decision: Decision, target: Target, used: str | None) -> list[Step]:
    """The states in order, and what each would change. `used`: the user that the application uses now."""
    if decision.action is Action.ALREADY_ROTATED:
        return []
    new = decision.record.credential(decision.slot).username or "a new key"
    old = decision.record.credential(decision.leaves).username or "no key"
    own = target.source.known.plan(target.source.settings)
    steps = _steps(decision, target, used or old, new, old)
    return [_step(one["state"], own[one["state"]].format(new=new, old=old)) if one["state"] in own else one for one in steps]


def _steps(decision: Decision, target: Target, used: str, new: str, old: str) -> list[Step]:
    publish = [
        _step("SyncUsers", _made_ready(decision, target, new)),
        *(_publish(consumer, used, new) for consumer in target.consumers),
        _step("ValidateApp", f"nothing: {', '.join(_validated(target, new))}"),
        _step("FlipSlot", f"AWSCURRENT of {target.slot_secret}: active_slot {decision.slot}"),
    ]
    steps = [
        _step("ClaimRotation", f"AWSPENDING of {target.slot_secret}: to a version that says what is to become true"),
        *(publish if decision.action is Action.PUBLISH else []),
        _step("OverlapWindow", f"nothing: waits {overlap_seconds(decision, target, Mode.DRY_RUN)} s"),
        _step("CheckDrained", f"nothing: waits until {old} was not used for {target.quiet_seconds} s"),
        _step("RotateOldSlot", f"{old}: {_renewed(decision, target)}"),
        _step("DiscardOldPassword", f"{old}: {_ended(decision, target)}"),
        _step("RotateAdmin", _admin(target)),
        _step("ReleaseRotation", f"AWSPENDING of {target.slot_secret}: to none"),
    ]
    return [_with_what_lacks(step, target) for step in steps]


def _with_what_lacks(step: Step, target: Target) -> Step:
    """What the source cannot do there that others of its sort can."""
    lacking = [one for one in target.source.known.lacks(target.source.settings) if one.state == step["state"]]
    change = "nothing" if any(one.idle for one in lacking) else step["change"]
    return _step(step["state"], ". ".join([change, *(one.said for one in lacking)]))


def _made_ready(decision: Decision, target: Target, new: str) -> str:
    """And what is left of runs that were cut short."""
    if target.source.known.by_hand:
        return f"nothing: the key of {new} that was handed in is tried, where source.try says how"
    if not decision.record.issued:
        return f"nothing if {new} logs in; else {new} gets its recorded password"
    left = [f"{key} is deleted, no version names it" for key in decision.record.withdrawing]
    there = not decision.record.credential(decision.slot).is_none
    return "; ".join([*left, f"nothing if {new} is taken; else another is issued" if there else f"{new} is issued and stored"])


def _renewed(decision: Decision, target: Target) -> str:
    if target.source.known.by_hand:
        return f"its old key becomes a reminder in {target.slot_secret}, and its entry is empty"
    return "deactivated" if decision.record.issued else "a new password, beside the old one where the server can keep both"


def _ended(decision: Decision, target: Target) -> str:
    if target.source.known.by_hand:
        return f"nothing is done where it was made; AWSCURRENT of {target.slot_secret} holds one key"
    if decision.record.issued:
        return f"deleted, and refused; AWSCURRENT of {target.slot_secret} holds one key"
    return f"the old password is refused; AWSCURRENT of {target.slot_secret} holds the new one"


def _admin(target: Target) -> str:
    if not (target.source.known.issues_keys or target.admin_secret):
        return "nothing: there is no admin"
    if target.source.known.issues_keys:
        return "nothing: who may issue keys is not rotated with them"
    if not target.rotates_admin:
        return f"nothing: {target.admin_secret} is another target's to rotate (rotates_admin is false)"
    return f"the database admin: a new password; AWSCURRENT of {target.admin_secret} holds it"


def overlap_seconds(decision: Decision, target: Target, mode: Mode) -> int:
    """How long both credentials are left alone. In mode revoke, and where an older retirement is finished, only as long as the
    application may go on with what it has read: the run before may have been stopped right after its flip."""
    shortened = mode.terms.skips_overlap or decision.action is Action.RETIRE
    return target.cache_seconds if shortened else target.overlap_seconds


def _validated(target: Target, new: str) -> list[str]:
    return [
        f"logs in as {new} with what the application reads",
        *([f"also through {target.endpoint.host}"] if target.endpoint else []),
        *([f"asks {target.health.url}"] if target.health else []),
    ]


def _step(state: str, change: str) -> Step:
    return {"state": state, "change": change}


def _publish(consumer: Consumer, used: str, new: str) -> Step:
    return _step(consumer.known.state, consumer.known.change(consumer.settings, used, new))
