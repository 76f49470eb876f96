"""RotateSecret: the four steps by which Secrets Manager rotates a secret itself. This function writes that secret and nothing else.
The state machine does the work, waits for the one act that is done here (AWSCURRENT moves), and goes on after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import LoginRefused, RunEnded, RunTooSlow, SecretInvalid, VersionDiffers, VersionUnknown
from rotation.core.model import CURRENT, PENDING, Credential
from rotation.protocol.intents import read_record
from rotation.protocol.secret_call import SecretCall, SecretStep
from rotation.protocol.secret_runs import (
    intended,
    last_run,
    refuse_beside_another,
    running,
    start_run,
    wait_for,
)

if TYPE_CHECKING:
    from rotation.ports import Ran, RotatedSecret, RotatingWorld

LAG_SECONDS = 10
"""Labels are seen late: Secrets Manager calls as soon as it has put AWSPENDING on the version."""


def rotate_secret(world: RotatingWorld, call: SecretCall) -> dict[str, Any]:
    """What was done. Each step may come again, from the first on, with the same version, at any time."""
    step, label = call.step, _label(world, call)
    done = "nothing: the version is current already"
    if step is SecretStep.FINISH:
        done = _finish(world, call, label)
    elif label == PENDING:
        done = {SecretStep.CREATE: _create, SecretStep.SET: _set, SecretStep.TEST: _test}[step](world, call)
    return {"target": world.target.name, "step": str(step), "version": call.token, "done": done}


def _label(world: RotatingWorld, call: SecretCall) -> str:
    """AWSCURRENT, or AWSPENDING. A version that is neither is none that Secrets Manager rotates to."""

    def look() -> str | None:
        labels = _secret(world).labels()
        return CURRENT if labels.current == call.token else PENDING if labels.pending == call.token else None

    try:
        return wait_for(world, look, "it carries no label", LAG_SECONDS)
    except RunTooSlow as error:
        raise VersionUnknown(f"version {call.token} is neither {PENDING} nor {CURRENT}: {error}") from None


def _create(world: RotatingWorld, call: SecretCall) -> str:
    """The machine runs, and what it is about to make current, proven by a login, is stored under the token."""
    run, next_name = last_run(world, call)
    name = run.name if run and run.running else next_name
    if name == next_name:
        refuse_beside_another(world)
        start_run(world, call, name)

    def look() -> Credential | None:
        seen = world.execution(name)
        credential = intended(world, running(seen)) if seen else None
        return credential if credential and world.source.logs_in(credential) else None

    credential = wait_for(world, look, f"the execution {name} has not proven the next credential yet; it goes on")
    secret = _secret(world)
    if secret.login(call.token) is None:
        secret.put_pending(call.token, credential)
    if not secret.holds(call.token, credential):
        secret.let_go(call.token)
        raise VersionDiffers(
            f"version {call.token} does not hold what is next, {credential.username} with its recorded password:"
            f" {PENDING} was taken off it, rotate again"
        )
    return f"{credential.username} is next"


def _set(world: RotatingWorld, call: SecretCall) -> str:
    """It works wherever the application may use it."""
    run, _ = last_run(world, call)

    def look() -> Credential | None:
        credential = _awaited(world, call, run and world.execution(run.name))
        return credential if credential and _works_everywhere(world, credential) else None

    credential = wait_for(world, look, "the next credential does not work everywhere yet; the execution goes on")
    return f"{credential.username} works everywhere"


def _test(world: RotatingWorld, call: SecretCall) -> str:
    """Alone, when a schedule is attached, it comes with a version that holds nothing: then what is current is tried."""
    secret = _secret(world)
    record = read_record(world.slots, world.slots.labels().current)
    login = secret.login(call.token) or secret.login(secret.labels().current)
    if login is None:
        raise SecretInvalid(f"{secret.name} holds nothing yet: put the application's login into it")
    login = login.at_place_of(record.credential(record.active))
    if not world.source.logs_in(login):
        raise LoginRefused(f"{login.username} does not log in with what {secret.name} holds")
    if world.endpoint is not None and not world.endpoint.logs_in(login):
        raise LoginRefused(f"{world.endpoint.name} refuses {login.username}, which the database accepts")
    return f"{login.username} logs in"


def _finish(world: RotatingWorld, call: SecretCall, label: str) -> str:
    """AWSCURRENT moves, from exactly where it was before the intent was looked at; then the machine validates and flips."""
    run, _ = last_run(world, call)
    if label == PENDING:
        _make_current(world, call, run)

    def look() -> str | None:
        seen = run and world.execution(run.name)
        if not _flipped(world, call):
            running(seen)
            return None
        return "the application uses it"

    return wait_for(world, look, "the execution has not validated the application yet; it goes on")


def _make_current(world: RotatingWorld, call: SecretCall, run: Ran | None) -> None:
    secret = _secret(world)
    current = secret.labels().current
    credential = _awaited(world, call, run)
    if credential is None:
        raise RunEnded("the execution does not wait for this version any more: nothing was made current")
    if not world.source.logs_in(credential):
        raise LoginRefused(f"{credential.username} is not made current: its recorded password does not log in")
    if not secret.make_current(call.token, removed_from=current):
        raise RunEnded("another version became current meanwhile: the execution has turned back, or a person put one")


def _awaited(world: RotatingWorld, call: SecretCall, run: Ran | None) -> Credential | None:
    """The login that the execution waits for, which the version holds; None where it does not wait any more."""
    credential = intended(world, running(run))
    if credential and not _secret(world).holds(call.token, credential):
        raise VersionDiffers(f"version {call.token} does not hold what the execution waits for: createSecret comes first")
    return credential


def _flipped(world: RotatingWorld, call: SecretCall) -> bool:
    record = read_record(world.slots, world.slots.labels().current)
    return record.credential(record.active).same_login(_secret(world).login(call.token))


def _works_everywhere(world: RotatingWorld, credential: Credential) -> bool:
    kept = all(keeper.read().same_login(credential) for keeper in world.keepers(credential.username))
    return kept and world.source.logs_in(credential) and (world.endpoint is None or world.endpoint.logs_in(credential))


def _secret(world: RotatingWorld) -> RotatedSecret:
    assert world.rotated is not None  # noqa: S101 - the target was found by it
    return world.rotated
