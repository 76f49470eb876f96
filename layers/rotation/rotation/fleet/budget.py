"""Whether a fleet goes on after a wave. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rotation.fleet.outcome import Outcome

CANARIES = 0
"""The first wave."""


class Verdict(StrEnum):
    """What comes after a wave."""

    GO_ON = "go on"
    STOP = "stop"
    DONE = "done"


@dataclass(frozen=True)
class Decision:
    """With its reason, for people."""

    verdict: Verdict
    reason: str


def after(wave: int, waves: Sequence[Sequence[str]], outcomes: Mapping[str, Outcome], percent: float) -> Decision:
    """`waves`: the targets of each. Whoever has left no outcome has failed: a function died, or nobody could say any more.

    Of the canaries none may fail. After that so many of all targets of the run may as the budget says; it is asked between waves,
    so a wave that has begun is finished."""
    begun = [target for one in waves[: wave + 1] for target in one]
    failed = [target for target in begun if outcome_of(target, outcomes).failed]
    total, allowed = sum(map(len, waves)), may_fail(waves, percent)
    if wave == CANARIES and failed and len(waves) > 1:
        return Decision(Verdict.STOP, f"a canary failed ({', '.join(sorted(failed))}): no other target was begun")
    if len(failed) > allowed and wave + 1 < len(waves):
        return Decision(Verdict.STOP, f"{len(failed)} of {total} failed, and {allowed} may ({percent:g} %)")
    if wave + 1 < len(waves):
        return Decision(Verdict.GO_ON, f"{len(failed)} of {total} failed, and {allowed} may ({percent:g} %)")
    return Decision(Verdict.DONE, f"{len(failed)} of {total} failed")


def may_fail(waves: Sequence[Sequence[str]], percent: float) -> int:
    """So many of all targets of the run."""
    return int(sum(map(len, waves)) * percent / 100)


def outcome_of(target: str, outcomes: Mapping[str, Outcome]) -> Outcome:
    """Of a target whose turn it was."""
    return outcomes.get(target, Outcome.NOT_SAID)
