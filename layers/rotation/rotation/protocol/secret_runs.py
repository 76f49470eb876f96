"""The execution that does the work for a rotation of Secrets Manager's: its name, its intent, and waiting for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rotation.core.errors import RotationAlreadyRunning, RunEnded, RunTooSlow, TransientError
from rotation.core.situation import Left, left_to_do
from rotation.protocol.intents import read_record
from rotation.told.failures import as_object, caught

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import Ran, RotatingWorld
    from rotation.protocol.secret_call import SecretCall

T = TypeVar("T")

PATIENCE_SECONDS = 780
"""How long one call may wait: Lambda ends it after 15 minutes, and what it says then is nothing."""
STARTED_BY = "Secrets Manager"
_MOST_ATTEMPTS = 100
_NAMESPACE = uuid.UUID("b1a4c0de-2f0e-5d0b-9f6b-7a3a52c4e9d1")


def last_run(world: RotatingWorld, call: SecretCall) -> tuple[Ran | None, str]:
    """The newest execution that was started for the token, and the name for one more: a name is used once in 90 days, and AWS
    repeats the whole rotation with the same token."""
    newest = None
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        name = f"secret-{uuid.uuid5(_NAMESPACE, f'{call.secret}|{call.token}')}-{attempt}"
        found = world.execution(name)
        if found is None:
            return newest, name
        newest = found
    raise RunEnded(f"{_MOST_ATTEMPTS} executions were started for version {call.token}: rotate the secret anew")


def start_run(world: RotatingWorld, call: SecretCall, name: str) -> None:
    """Started before under that name is as good as started now."""
    given = {"target": world.target.name, "secret_version": call.token, "started_by": STARTED_BY}
    failure = world.start(name, given)
    if failure:
        raise RunEnded(f"the execution {name} could not be started ({failure})")


def refuse_beside_another(world: RotatingWorld) -> None:
    """A rotation of ours that still runs goes first: Secrets Manager knows nothing of an overlap or a drain."""
    labels = world.slots.labels()
    if labels.pending is None:
        return
    pending = read_record(world.slots, labels.pending)
    if pending.tag is None or not world.execution_is_alive(pending.tag.owner, world.slots.age_seconds(labels.pending)):
        return
    left = left_to_do(pending, labels.pending, read_record(world.slots, labels.current), labels.current)
    what = "is rotating it already" if left is Left.PUBLISH else "still waits until nobody uses the credential of before"
    raise RotationAlreadyRunning(f"{pending.tag.owner} {what}: rotate again when that execution has ended")


def intended(world: RotatingWorld, run: Ran) -> Credential | None:
    """The login that this execution is about to make the application's. None before it has claimed that, while it finishes an
    older rotation, once it has flipped, and when it has turned back."""
    labels = world.slots.labels()
    if labels.pending is None:
        return None
    record = read_record(world.slots, labels.pending)
    if record.tag is None or record.tag.owner != run.arn:
        return None
    left = left_to_do(record, labels.pending, read_record(world.slots, labels.current), labels.current)
    return record.credential(record.active) if left is Left.PUBLISH else None


def running(run: Ran | None) -> Ran:
    """The same; an error that says how it ended if it does not run any more."""
    if run is None:
        raise RunEnded("no execution was started for this version: Secrets Manager has not called createSecret")
    if not run.running:
        raise RunEnded(_end(run))
    return run


def wait_for(world: RotatingWorld, look: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Look until something is seen. What may pass is looked past until time is up."""
    began = world.now()
    while True:
        waited, failure = world.now() - began, ""
        try:
            found = look()
        except TransientError as error:
            found, failure = None, f" ({type(error).__name__}: {error})"
        if found is not None:
            return found
        if waited >= seconds:
            raise RunTooSlow(f"after {waited:.0f} s {what}{failure}")
        world.sleep(2 if waited < 30 else 5)


def _end(run: Ran) -> str:
    """One sentence or two: where it ended, and what made it end there."""
    said, _, why = run.cause.partition(" Why: ")
    reasons = "; ".join(f"{one.step}: {one.message}" for one in caught(as_object(why)))
    return " ".join(one for one in (f"the execution {run.name} ended in {run.end}.", said, reasons) if one)
