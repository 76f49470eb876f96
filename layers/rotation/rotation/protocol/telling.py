"""The version of the application's secret that consumers are told to hold, before it becomes current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.errors import LoginRefused, SecretNotFinished, TrafficElsewhere, VersionDiffers
from rotation.core.model import Direction, Mark

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import World
    from rotation.protocol.request import Request

PUT_SECONDS = 900
"""How long Secrets Manager may take to put its own version, before which nobody can be told of it."""


def put_version(world: World, request: Request, credential: Credential, waited: float) -> str | None:
    """The version with that login. Where Secrets Manager rotates the secret itself, its own, once that is there."""
    secret, token = world.rotated, request.secret_version
    if secret is None:
        raise TrafficElsewhere(f"{world.target.name}: no application's secret moves the traffic, and the services need its version")
    if not token or request.direction is not Direction.FORWARD or request.drain is not None:
        return secret.put(credential, Mark(request.mark))
    held = secret.login(token)
    if held is not None and not held.same_login(credential):
        raise VersionDiffers(f"{world.target.name}: version {token} does not hold what is next")
    if held is None and waited > PUT_SECONDS:
        raise SecretNotFinished(f"{world.target.name}: Secrets Manager did not put version {token} within {waited:.0f} s")
    return token if held else None


def refuse_untried(world: World, credential: Credential) -> None:
    """Nobody is told of what does not log in."""
    if credential.is_none or not world.source.logs_in(credential):
        raise LoginRefused(f"{world.target.name}: {credential.username} is not published: its recorded password does not log in")
