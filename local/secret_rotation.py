"""How Secrets Manager rotates a secret itself: RotateSecret, from AWS's API text and its guide for rotation functions.

moto takes the button for a put: it steals AWSPENDING from a rotation that is not complete, forgets the function that the secret is
rotated by, and takes for success that no step raised. What is said of a rotation here, AWS says in CloudTrail.
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from local import secret_labels as labels

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
Call = dict[str, Any]
Invoke = Callable[[str, Call], str]
"""Calls the function of that ARN with an event and waits for it; what went wrong, empty if nothing did."""


@dataclass(frozen=True)
class Pace:
    """How often the whole is tried, and how far apart. AWS does not say."""

    tries: int = 3
    seconds: float = 1.0


@dataclass(eq=False)
class Rotation:
    """To one version, until it is complete, abandoned or given up."""

    secret: str
    token: str
    function: str
    only_test: bool
    abandoned: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """A schedule that is only attached calls the third alone."""
        return ("testSecret",) if self.only_test else STEPS

    def event(self, step: str) -> Call:
        """What the function is called with."""
        named = {"Step": step, "SecretId": self.secret, "ClientRequestToken": self.token}
        return named | {"RotationToken": str(uuid.uuid4())}


def check_complete(versions: labels.Versions, token: str) -> None:
    """No rotation to another version begins before the last is complete."""
    pending = labels.holder_of(versions, labels.PENDING)
    if pending not in (None, token, labels.holder_of(versions, labels.CURRENT)):
        text = "A previous rotation isn't complete. That rotation will be reattempted."
        raise labels.Refusal("InvalidRequestException", text)
    if pending != token and labels.is_filled(versions, token):
        raise labels.token_used(token)


def is_complete(versions: labels.Versions) -> bool:
    """It is not asked what the steps answered."""
    return labels.holder_of(versions, labels.PENDING) in (None, labels.holder_of(versions, labels.CURRENT))


def abandon(versions: labels.Versions, rotation: Rotation) -> None:
    """Somebody put another version meanwhile."""
    rotation.abandoned = True
    if labels.holder_of(versions, labels.PENDING) == rotation.token:
        labels.move(versions, labels.PENDING, None, rotation.token)


def attempt(versions: labels.Versions, rotation: Rotation, invoke: Callable[[Call], str]) -> str:
    """Step by step, each waited for; what went wrong, empty if nothing did."""
    for step in rotation.steps:
        if rotation.abandoned:
            return ""
        if invoke(rotation.event(step)):
            return f"Error when executing lambda {rotation.function} during {step} step"
    return "" if rotation.only_test or is_complete(versions) else "AWSPENDING is on another version than AWSCURRENT"


def clean_up(versions: labels.Versions, rotation: Rotation) -> None:
    """What is the service's to do after a success. A version that was only made for the test is gone again."""
    if labels.holder_of(versions, labels.PENDING) == rotation.token:
        labels.move(versions, labels.PENDING, None, rotation.token)
    if rotation.only_test and not labels.is_filled(versions, rotation.token):
        versions.pop(rotation.token, None)


class Rotations:
    """Those of all secrets, each in a thread of its own: the caller of RotateSecret waits for none."""

    def __init__(self, lock: threading.Lock, invoke: Invoke) -> None:
        self._lock, self._invoke = lock, invoke
        self._open: dict[str, Rotation] = {}
        """Begun and not complete; tried again or not."""
        self._at_work: set[Rotation] = set()
        self.events: list[Call] = []
        self.pace = Pace()

    def begin(self, secret: Any, call: Call) -> Call:
        """RotateSecret. Called under the lock."""
        function = call.get("RotationLambdaARN") or secret.rotation_lambda_arn
        if not function:
            raise labels.Refusal("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
        token = call.get("ClientRequestToken") or str(uuid.uuid4())
        try:
            check_complete(secret.versions, token)
        except labels.Refusal:
            self._try_again(secret)
            raise
        _configure(secret, function, call.get("RotationRules") or {})
        before = self._open.get(secret.arn)
        if before is None or before.token != token:
            if before is not None:
                before.abandoned = True  # somebody took its label off
            labels.reserve(secret.versions, token)
            self._open[secret.arn] = Rotation(secret.arn, token, function, call.get("RotateImmediately") is False)
        self._try_again(secret)
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": token}

    def set_pace(self, tries: int, seconds: float) -> None:
        """For all that follow."""
        self.pace = Pace(tries, seconds)

    def created(self, secret: Any, versions: Collection[str]) -> None:
        """A version was. Called under the lock."""
        rotation = self._open.get(secret.arn)
        if rotation is not None and set(versions) - {rotation.token}:
            abandon(secret.versions, rotation)
            self._open.pop(secret.arn)
            self._tell(rotation, "Abandoned")

    def _try_again(self, secret: Any) -> None:
        rotation = self._open.get(secret.arn)
        if rotation is not None and rotation not in self._at_work:
            self._at_work.add(rotation)
            threading.Thread(target=self._run, args=(secret, rotation), daemon=True).start()

    def _run(self, secret: Any, rotation: Rotation) -> None:
        self._tell(rotation, "Started")
        for number in range(1 if rotation.only_test else self.pace.tries):
            time.sleep(self.pace.seconds if number else 0)
            failure = attempt(secret.versions, rotation, lambda event: self._invoke(rotation.function, event))
            with self._lock:
                if self._concluded(secret, rotation, failure):
                    break
        self._at_work.discard(rotation)

    def _concluded(self, secret: Any, rotation: Rotation, failure: str) -> bool:
        """Whether there is nothing to be tried again."""
        if rotation.abandoned:
            return True
        if failure:
            self._tell(rotation, "Failed", errorMessage=failure)
        if not (failure and not rotation.only_test):
            clean_up(secret.versions, rotation)
            self._open.pop(secret.arn, None)
        if not failure:
            secret.last_rotation_date = secret.last_rotation_date if rotation.only_test else int(time.time())
            self._tell(rotation, "Succeeded")
        return not failure

    def _tell(self, rotation: Rotation, how: str, **more: str) -> None:
        name = f"{'Test' if rotation.only_test else ''}Rotation{how}"
        self.events.append({"eventName": name, "SecretId": rotation.secret, "token": rotation.token, **more})


def _configure(secret: Any, function: str, rules: Call) -> None:
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays", secret.auto_rotate_after_days)
