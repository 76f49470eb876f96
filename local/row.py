"""Rotations in a row: each ends the application on another login, and what it left is refused, wherever it could be let in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.follow import Run, wait_for
from local.running import Running

SILENCE_SECONDS = 8.0  # a rotation of OpenEMR takes six


@dataclass
class Row:
    """What came of it, as it happens."""

    stack: Running
    name: str
    so_far: Callable[[], str]
    """What the application's users met until now."""
    at_least: float = 0.0
    """Seconds that every rotation takes: until then nobody asks the engine, which takes its time to answer."""
    rotations: list[float] = field(default_factory=list)
    """How many seconds each took."""
    retired: int = 0
    refused: int = 0
    """Retired passwords, tried again after the rotation that retired them."""
    problems: list[str] = field(default_factory=list)
    _told: float = field(default_factory=time.monotonic)

    def rotate(self) -> None:
        """One rotation, the admin's password too."""
        stack, name = self.stack, f"{self.name}-{len(self.rotations) + 1}"
        slots, admin_too = stack.secret(stack.slot_secret), stack.admin_secret and stack.rotates_admin
        admin = [stack.secret(stack.admin_secret)] if admin_too else []
        arn = stack.start_execution(name)
        time.sleep(self.at_least)
        run = self._followed(arn, name)
        self.rotations.append(run.seconds)
        if run.outcome != "RotationSucceeded":
            self.problems.append(f"{name} ended in {run.outcome}: {run.cause}")
        else:
            self._look(name, slots["active_slot"], [slots[slots["active_slot"]], *admin])
        self.tell(f"{name}: {run.outcome}, {run.working:.1f} + {run.waiting:.1f} s")

    def _followed(self, arn: str, name: str) -> Run:
        """To its end."""
        return wait_for(self.stack, arn, lambda: self._progress(name))

    def tell(self, what: str) -> None:
        print(f"{what:40} {self.so_far()}", flush=True)
        self._told = time.monotonic()

    def _look(self, name: str, left: str, retired: list[dict[str, str]]) -> None:
        now = self.stack.secret(self.stack.slot_secret)
        if now["active_slot"] == left:
            self.problems.append(f"{name}: the application still uses slot {left}")
        still = [one["username"] for one in retired if self.stack.accepts(one["username"], one["password"])]
        self.problems += [f"{name}: the retired password of {user} still works" for user in still]
        self.retired += len(retired)
        self.refused += len(retired) - len(still)

    def _progress(self, name: str) -> None:
        if time.monotonic() - self._told >= SILENCE_SECONDS:
            self.tell(f"{name} …")
