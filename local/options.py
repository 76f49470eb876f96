"""What can be varied in the demo, from the environment, refused with a sentence when it makes no sense."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cluster import kinds
from local.cluster.real import programs

NOTHING = "none"
ROLLOUT = "CheckRollout"
FAILURES = {
    "ReadSlots": "RotationRefused",
    "ClaimRotation": "RotationRefused",
    "SyncUsers": "NothingChanged",
    "WriteSqlconf": "RolledBack",
    "PatchSecret": "RolledBack",
    "RestartApp": "RolledBack",
    ROLLOUT: "RolledBack",
    "ValidateApp": "RolledBack",
    "FlipSlot": "RolledBack",
    "CheckDrained": "OldSlotNotRotated",
    "RotateOldSlot": "OldSlotNotRotated",
    "CheckStillDrained": "OldSlotNotRotated",
    "DiscardOldPassword": "OldSlotNotRotated",
    "RotateAdmin": "AdminNotRotated",
    "ReleaseRotation": "NotReleased",
}
"""Where a failing state leads: the terminal state the demo then expects."""


@dataclass(frozen=True)
class Options:
    """ROTATIONS=n PODS=n RATE=n FAIL=<state>|none OUTAGE=1 PAGE=<file> CLUSTER=stand-in|real|kubeconfig"""

    rotations: int = 2
    pods: int = 3
    rate: int = 40
    fail: str = ROLLOUT
    outage: bool = False
    page: Path = Path(__file__).resolve().parents[1] / ".demo" / "demo.html"
    """Outside of what is removed when the demo ends."""
    cluster: str = kinds.STAND_IN
    """A real one by itself where its control plane is already built."""

    @classmethod
    def parse(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """ValueError with the sentence to show."""
        fail = environment.get("FAIL") or ROLLOUT
        if fail not in (*FAILURES, NOTHING):
            raise ValueError(f"FAIL={fail}: there is no such state. One of: {', '.join(FAILURES)}, or {NOTHING}.")
        page = Path(environment.get("PAGE") or cls.page).absolute()
        if page.is_dir():
            raise ValueError(f"PAGE={page}: this is a folder. The name of a file is wanted, like {page}/demo.html.")
        return cls(
            rotations=_number(environment, "ROTATIONS", cls.rotations, 0, 1000),
            pods=_number(environment, "PODS", cls.pods, 1, 100),
            rate=_number(environment, "RATE", cls.rate, 1, 1000),
            fail=fail,
            outage=environment.get("OUTAGE", "") not in ("", "0"),
            page=page,
            cluster=_cluster(environment),
        )


def _cluster(environment: Mapping[str, str]) -> str:
    default = kinds.REAL if programs.find(environment) else kinds.STAND_IN
    kind = kinds.chosen({kinds.VARIABLE: environment.get(kinds.VARIABLE) or default})
    if kind == kinds.REAL:
        programs.require(environment)
    return kind


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text}: a whole number from {least} to {most} is wanted.")
    return int(text)
