"""Why a run ended as it did, in one short text: what happened and where, the step and its error, where to look. Pure.

Step Functions shows it as the Cause, and whoever tells of an end repeats it. An error as a function raises it is JSON with a stack
trace in it; none of that gets here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rotation.told.failures import Failure, failure

LONGEST = 300
_TARGET, _NAME = 40, 40
"""How much of a name is told at the most: those of targets and of errors can be anything."""
_SHORTEST = 20
"""Less of a message says nothing."""
_FORWARD = "forward"
"""Where the machine keeps what failed before it turned back."""
_SUPERSEDED = "RotationSuperseded"
_SLOT_IN_USE = "SlotInUse"

LED_TO: dict[str, tuple[str, ...]] = {
    "UnknownMode": (),
    "PrerequisiteMissing": ("Verify",),
    "PermissionsNotFixed": ("FixPermissions",),
    "RotationRefused": ("ReadSlots", "ClaimRotation"),
    "RotationAlreadyRunning": ("ReadSlots", "ClaimRotation"),
    "NothingChanged": ("SyncUsers",),
    "RolledBack": ("Publish", "ValidateApp", "FlipSlot"),
    "RestoreFailed": ("Publish", "ValidateApp"),
    "FlipUnknown": ("CloseFlip",),
    "OldSlotNotRotated": (
        *("CheckStillDrained", "RotateOldSlot", "CheckDrained", "DiscardOldPassword"),
        *("Publish", "ValidateApp", "FlipSlot"),
    ),
    "AdminNotRotated": ("RotateAdmin", "ChooseAdmin"),
    "NotReleased": ("ReleaseRotation",),
    "Superseded": (
        *("ReleaseRotation", "RotateAdmin", "DiscardOldPassword", "CheckStillDrained", "RotateOldSlot", "CheckDrained"),
        *("CloseFlip", "Publish", "ValidateApp", "FlipSlot", "SyncUsers", "ClaimRotation"),
    ),
}
"""Which steps lead to which end when they fail. A run may have got over the failure of a later one in the list: a flip that was
reported failed and had landed, a claim that was missed and made again."""


@dataclass(frozen=True)
class Ended:
    """What the machine knows of a run when it is about to end."""

    target: str
    execution: str
    """Its name."""
    state: str
    """The end that it comes to."""
    said: str
    """What is true then, as the machine says it."""
    failures: Mapping[str, Any] = field(default_factory=dict)
    """As its Catches wrote them."""
    prerequisites: Sequence[str] = ()
    """Those that do not hold, in mode verify."""
    mode: Any = ""
    """As it was asked for: anything that JSON knows."""


def cause(ended: Ended) -> str:
    """At most LONGEST characters; the message of an error is what is cut."""
    first = f"{_cut(_plain(ended.target), _TARGET)}: {ended.said}."
    last = f"More: rotation explain {ended.execution}"
    why, other = _failed(ended)
    told = [f"{why.step} failed with {_cut(why.error, _NAME)}"] if why else []
    message = _message(why, ended.target) if why else _asked(ended)
    if other and _room(first, *told, other, last) >= 0:
        last = f"{other} {last}"
    if (room := _room(first, *told, last)) >= _SHORTEST and message:
        told = [": ".join([*told, _cut(message, room)])]
    end = [one if one.endswith(("…", ".")) else f"{one}." for one in told]
    return _cut(" ".join([first, *end, last]), LONGEST)


def _failed(ended: Ended) -> tuple[Failure | None, str]:
    """What led to this end, and what else failed, in words: on the way forward, or after it."""
    before = ended.failures.get(_FORWARD)
    forward = _decisive("RolledBack", before) if isinstance(before, Mapping) else None
    here = _decisive(ended.state, ended.failures)
    if ended.state == "RolledBack":
        return forward, f"Once back, {here.step} failed with {_cut(here.error, _NAME)} too." if here else ""
    return here, f"Before, {forward.step} failed with {_cut(forward.error, _NAME)}." if forward else ""


def _decisive(state: str, failures: Mapping[str, Any]) -> Failure | None:
    there = [(step, failures[step]) for step in LED_TO.get(state, ()) if isinstance(failures.get(step), Mapping)]
    if state == "Superseded":
        there = [(step, one) for step, one in there if one.get("Error") == _SUPERSEDED]
    elif state == "OldSlotNotRotated":  # whoever came back is waited for
        there = [(step, one) for step, one in there if (step, one.get("Error")) != ("DiscardOldPassword", _SLOT_IN_USE)]
    found = [failure(step, str(one.get("Error") or ""), str(one.get("Cause") or "")) for step, one in there]
    return found[0] if found else None


def _message(why: Failure, target: str) -> str:
    """Lambda's own may quote JSON, which says no more."""
    return _plain(why.message).removeprefix(f"{target}: ").partition('{"')[0].strip()


def _asked(ended: Ended) -> str:
    """Where no step failed: what was asked for, or is missing."""
    prerequisites = ended.prerequisites
    if ended.state == "UnknownMode":
        return f"Asked for {ended.mode}" if isinstance(ended.mode, str) and ended.mode else ""
    if not prerequisites:
        return ""
    return f"{len(prerequisites)} {'fails' if len(prerequisites) == 1 else 'fail'}: {_plain('; '.join(map(str, prerequisites)))}"


def _plain(text: str) -> str:
    """In one line."""
    return re.sub(r"\s+", " ", text).strip()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _room(*pieces: str) -> int:
    """What is left beside them, with what goes between."""
    return LONGEST - len(" ".join(pieces)) - len(": .") - 1
