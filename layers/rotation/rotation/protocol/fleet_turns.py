"""One target's turn in a fleet's run: what the machine hands over, and whether its labels say that the application has moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rotation.core.model import RotationStep
from rotation.fleet.run import execution_name
from rotation.protocol.intents import ATTEMPTS, version_id

if TYPE_CHECKING:
    from rotation.core.model import Labels


class Turn:
    """One event. A missing key is a bug in the state machine and raises KeyError."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def run(self) -> str:
        """The name of the fleet's execution."""
        return str(self._event["run"])

    @property
    def target(self) -> str:
        """The name of the target document."""
        return str(self._event["item"]["target"])

    @property
    def record(self) -> str:
        """The ARN of its slot secret."""
        return str(self._event["item"]["record"])

    @property
    def current(self) -> str:
        """The version that was current when the fleet looked."""
        return str(self._event["item"]["current"])

    @property
    def patience(self) -> float:
        """For how long a flip is waited for."""
        return float(self._event["patience_seconds"])

    @property
    def name(self) -> str:
        """Of the target's rotation."""
        return execution_name(self.run, self.target)

    @property
    def began(self) -> float:
        """When it was started, in seconds since 1970."""
        return float(self._event["turn"]["began"])

    @property
    def beside(self) -> str:
        """The intent that was open then; empty for none."""
        return str(self._event["turn"]["beside"])


def has_flipped(secret: str, labels: Labels, owner: str, current: str, beside: str) -> bool:
    """Without a look into any version: the id of what an execution makes current follows from the execution and from what was
    current before. `current`, `beside`: what was current, and pending, before it began."""
    before = {one for one in (labels.previous, current) if one}
    marks: list[int | str] = [0, *([beside] if beside else [])]
    tries: list[int | str] = [*marks, *(f"{mark} {number}" for mark in marks for number in range(1, ATTEMPTS))]
    flips = {version_id(secret, made_from, owner, RotationStep.FLIP, mark) for made_from in before for mark in tries}
    retires = {
        version_id(secret, made_from, owner, RotationStep.RETIRE, number)
        for made_from in before | flips | {labels.current}
        for number in range(ATTEMPTS)
    }
    return labels.current in flips | retires or labels.pending in retires
