"""Secrets Manager that rotates the application's secret: it calls our function step by step, and after a failure from the first one
on. Each call looks once: what it would wait for, it finds when it is called again."""

from dataclasses import replace
from typing import Any

from rotation.core.model import CURRENT, PENDING
from rotation.protocol.secret_call import SecretStep

from local import secret_labels as aws
from tests.faults.calls.machinery import LeftLying, invocation
from tests.faults.laws import acts
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.invocation import Answered, Boundary, Invocation, Left, Outcome
from tests.worlds.living import FUNCTION_SECONDS
from tests.worlds.proxied import APPLICATION
from tests.worlds.wordpress import WordPressWorld

Rotated = ProxiedWorld | WordPressWorld
FUNCTION = "rotate_secret"
STEPS = tuple(SecretStep)
LAMBDA_SECONDS = 900.0


def prompt(world: Rotated) -> None:
    """As many steps as succeed."""
    while world.rotates and _stepped(world):
        pass


def slow(world: Rotated) -> None:
    """One step."""
    if world.rotates:
        _stepped(world)


def late(world: Rotated) -> None:
    """All but finishSecret."""
    while world.rotates and STEPS[world.rotates.step] is not SecretStep.FINISH and _stepped(world):
        pass


def left_lying(world: Rotated) -> LeftLying:
    """The next call, right before it moves AWSCURRENT."""

    def gate(it: Invocation, boundary: Boundary) -> None:
        if boundary.what == f"swap {CURRENT} of {world.application.short}":
            it.leave_lying()

    asked = _event(world)
    outcome = invocation(world, FUNCTION, asked, FUNCTION, before=gate).run()
    assert isinstance(outcome, Left), outcome
    return LeftLying(FUNCTION, asked, FUNCTION, outcome.told, world.clock + FUNCTION_SECONDS)


def next_call(world: Rotated) -> LeftLying:
    """It has not begun yet; it may live as long as Lambda lets it."""
    return LeftLying(FUNCTION, _event(world), FUNCTION, (), world.clock + LAMBDA_SECONDS)


def _stepped(world: Rotated) -> bool:
    """Whether it succeeded."""
    return concluded(world, invocation(world, FUNCTION, _event(world), FUNCTION).run())


def concluded(world: Rotated, outcome: Outcome) -> bool:
    """The same, of a call that has ended."""
    acts.canaries(world, outcome)
    succeeded = isinstance(outcome, Answered)
    if world.rotates:  # else somebody has put another version meanwhile
        world.rotation = replace(world.rotates, step=world.rotates.step + 1 if succeeded else 0)
        _complete(world)
    return succeeded


def _event(world: Rotated) -> dict[str, Any]:
    """Of the next step. AWS adds keys, and so do the laws: whoever acts has a name."""
    assert world.rotates
    asked = {"Step": str(STEPS[world.rotates.step]), "SecretId": APPLICATION, "ClientRequestToken": world.rotates.token}
    return {**asked, "mode": "rotate", "execution": {"id": FUNCTION, "name": FUNCTION}}


def _complete(world: Rotated) -> None:
    """After the last step the label goes, if it is where it should be."""
    if world.rotates and world.rotates.step == len(STEPS):
        versions, token = world.application.versions, world.rotates.token
        if aws.holder_of(versions, PENDING) == token == aws.holder_of(versions, CURRENT):
            aws.move(versions, PENDING, None, token)
        world.end_rotation()
