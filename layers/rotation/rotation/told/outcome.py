"""How an execution ended, read from what Step Functions says of it, and what is measured of that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.told.history import History, Visit

JOBS = ("rotate", "resume", "revoke")
"""Modes that end with other passwords than before; only these are jobs in the metrics."""
DONE = ("RotationSucceeded", "Revoked")
"""Ends after which the application uses another password than before."""
NO_RESULT = ("AlreadyRotated", "NothingToResume", "Restored", "RotationAlreadyRunning", "Superseded")
"""Neither a success nor a failure to rotate: there was nothing to do, or another run's result is the result."""
_CLAIM_STATE = "ClaimRotation"
_HEALTH_STATE = "ValidateApp"
_SERVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Outcome:
    """An execution that has ended."""

    arn: str
    status: str
    """SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
    mode: str
    target: str
    started_by: str
    """Who started it, as its input says; empty where it does not."""
    cause: str
    began: float
    ended: float
    history: History = field(repr=False)

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.arn.rsplit(":", 1)[-1]

    @property
    def machine(self) -> str:
        """The state machine's name."""
        return self.arn.split(":")[-2]

    @property
    def machine_arn(self) -> str:
        """The state machine itself."""
        return self.arn.rsplit(":", 1)[0].replace(":execution:", ":stateMachine:")

    @property
    def terminal(self) -> str | None:
        """The terminal state that it came to; None if it was cut short, or the machine itself failed."""
        return self.history.terminal if self.status in ("SUCCEEDED", "FAILED") else None

    @property
    def claimed(self) -> bool:
        """Whether it came past its claim: from then on an intent may be its own."""
        return any(visit.state == _CLAIM_STATE and visit.left is not None for visit in self.history.visits)

    @property
    def seconds(self) -> float:
        """From its start to its end."""
        return self.ended - self.began

    @property
    def working_seconds(self) -> float:
        """Without what it was meant to wait for: rollout, overlap, drain."""
        return self.seconds - sum(self._stays(lambda visit: visit.kind == "Wait"))

    @property
    def health_seconds(self) -> float | None:
        """How long the application took to show that it works, all tries together; None if it was not asked."""
        return max(self._stays(lambda visit: visit.state == _HEALTH_STATE), default=None)

    def measured(self) -> dict[str, float]:
        """Metrics by name. Nothing of what is no job, and nothing of one that has no result of its own."""
        if self.mode not in JOBS or self.terminal in NO_RESULT:
            return {}
        done = self.terminal in DONE
        service = self.target if _SERVICE.fullmatch(self.target) else "unknown"
        values: dict[str, float] = {
            "secret_rotation_job_duration_seconds": self.seconds,
            "secret_rotation_success_rate": 100 if done else 0,
            "secret_rotation_working_seconds": self.working_seconds,
            f"credential_rotation_{service}_{'success' if done else self.status.lower()}": self.seconds * 1000,
        }
        if self.health_seconds is not None:
            values["secret_rotation_health_check_seconds"] = self.health_seconds
        if done:
            values["credential_rotation_days_since_success"] = 0
        return values

    def _stays(self, such: Callable[[Visit], bool]) -> list[float]:
        """How long each stay in such a state was: until another is entered, or the end."""
        moments = [*(visit.entered for visit in self.history.visits), self.ended]
        stays = zip(self.history.visits, pairwise(moments), strict=True)
        return [then - entered for visit, (entered, then) in stays if such(visit)]
