"""One execution over the small world: every step gets the event that the state machine would give it.

A test lets a run come to the state that it is about, and looks at what that step does.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rotation.core.drain import DrainStatus
from rotation.core.model import Direction, Mode
from rotation.core.situation import Action
from rotation.ports import World
from rotation.protocol.request import Request
from rotation.steps.check_drained import check_drained
from rotation.steps.check_rollout import check_rollout
from rotation.steps.claim_rotation import claim_rotation
from rotation.steps.close_flip import close_flip
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.flip_slot import flip_slot
from rotation.steps.publish import publish
from rotation.steps.read_slots import read_slots
from rotation.steps.release_rotation import release_rotation
from rotation.steps.restart_app import restart_app
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.rotate_old_slot import ALTERED, rotate_old_slot
from rotation.steps.sync_users import sync_users
from rotation.steps.validate_app import validate_app

from tests.worlds.world import PODS, SECRET, SQLCONF, TARGET, MemoryWorld

Step = Callable[[World, Request], dict[str, Any]]
Event = dict[str, Any]


def arn(name: str) -> str:
    return f"arn:aws:states:region:account:execution:rotation:{name}"


class Run:
    """What the state machine carries, and the order in which it asks."""

    def __init__(self, world: MemoryWorld, name: str = "run-1", mode: Mode = Mode.ROTATE) -> None:
        self.world = world
        self.name = name
        self.event: Event = {
            "target": TARGET,
            "mode": str(mode),
            "scheduled_time": "",
            "execution": {"id": arn(name), "name": name, "started": f"started {name}"},
            "direction": str(Direction.FORWARD),
            "round": 1,
            "discarded": {"began": None},
        }
        self.answers: list[Event] = []
        """Everything that any step returned."""

    def ask(self, step: Step, **more: object) -> Event:
        answer = step(self.world, Request({**self.event, **more}))
        self.answers.append(answer)
        return answer

    @property
    def claim(self) -> str:
        """The version of the intent that this run holds."""
        return str(self.event["claim"]["version"])

    # The states, as far as they carry something on.

    def read_slots(self) -> Event:
        situation = self.ask(read_slots)
        self.event |= {"situation": situation, "entry": situation["entry"]}
        return situation

    def claim_rotation(self) -> Event:
        self.event["claim"] = self.ask(claim_rotation)
        return dict(self.event["claim"])

    def publish(self) -> None:
        for consumer in (SQLCONF, SECRET):
            self.ask(publish, consumer={"index": consumer})
        self.event["rollout"] = self.ask(restart_app, consumer={"index": PODS})
        self.world.pods.finish()
        self.ask(check_rollout, consumer={"index": PODS})

    def close_flip(self) -> Event:
        closed = self.ask(close_flip)
        self.event |= {"direction": str(Direction.RESTORE), "entry": closed["entry"]}
        return closed

    def check_drained(self) -> Event:
        self.event["drain"] = self.ask(check_drained)
        return dict(self.event["drain"])

    def drain(self) -> None:
        """Nobody stirs, and time passes."""
        while self.check_drained()["status"] != DrainStatus.DRAINED:
            self.world.clock += self.event["drain"]["wait_seconds"]

    def rotate_old_slot(self) -> Event:
        answer = self.ask(rotate_old_slot)
        self.event["claim"] = {key: answer[key] for key in ("version", "own_logins")}
        return answer

    # The machine's own order.

    def to_claim(self) -> "Run":
        self.read_slots()
        self.claim_rotation()
        return self

    def to_publish(self) -> "Run":
        self.to_claim().ask(sync_users)
        return self

    def to_flip(self) -> "Run":
        """Up to what comes before it."""
        self.to_publish().publish()
        self.ask(validate_app)
        return self

    def to_drain(self) -> "Run":
        self.to_flip().ask(flip_slot)
        return self

    def to_old_slot(self) -> "Run":
        self.to_drain().drain()
        return self

    def to_discard(self) -> "Run":
        self.to_old_slot().rotate_old_slot()
        self.drain()
        return self

    def to_admin(self) -> "Run":
        self.to_discard().ask(discard_old_password)
        return self

    def to_release(self) -> "Run":
        self.to_admin().ask(rotate_admin)
        return self

    def to_end(self) -> "Run":
        self.to_release().ask(release_rotation)
        return self

    def states(self) -> list[tuple[str, Callable[[], object]]]:
        """Every state of a forward run by name, each to be asked again after it died."""
        return [
            ("ReadSlots", self.read_slots),
            ("ClaimRotation", self.claim_rotation),
            ("SyncUsers", self._unless_retiring(lambda: self.ask(sync_users))),
            ("Publish", self._unless_retiring(self.publish)),
            ("ValidateApp", self._unless_retiring(lambda: self.ask(validate_app))),
            ("FlipSlot", self._unless_retiring(lambda: self.ask(flip_slot))),
            ("CheckDrained", self.drain),
            ("RotateOldSlot", self._altered),
            ("CheckStillDrained", self.drain),
            ("DiscardOldPassword", lambda: self.ask(discard_old_password)),
            ("RotateAdmin", lambda: self.ask(rotate_admin)),
            ("ReleaseRotation", lambda: self.ask(release_rotation)),
        ]

    def _unless_retiring(self, act: Callable[[], object]) -> Callable[[], object]:
        return lambda: None if self.event["situation"]["action"] == Action.RETIRE else act()

    def _altered(self) -> None:
        assert self.rotate_old_slot()["status"] == ALTERED


@contextmanager
def refused(world: MemoryWorld, kind: type[Exception], says: str = "") -> Iterator[None]:
    """Exactly that error, saying that; with nothing of a password in its text or in what led to it."""
    with pytest.raises(kind, match=re.escape(says) if says else None) as caught:
        yield
    assert type(caught.value) is kind
    error: BaseException | None = caught.value
    while error:
        assert not [password for password in world.passwords if password in repr(error)]
        error = error.__cause__ or error.__context__
