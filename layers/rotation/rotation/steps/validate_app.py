"""ValidateApp: the file as it is on disk logs in, as the right user, and the application shows that it works.

Where pods take their credential from a Kubernetes Secret when they start, that is read back too: the page is theirs. A dead run's
write may have landed between ours and the restart, and then it spoke for the old credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import ConsumerDiffers, LoginRefused
from rotation.protocol.intents import confirm

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.ports import CredentialConsumer, World
    from rotation.protocol.request import Request


def validate_app(world: World, request: Request) -> dict[str, Any]:
    """Who the application is now. What is tried is what was read back from where the application reads it."""
    record = confirm(world.slots, request.claim.version, request.direction)
    expected = record.credential(request.entry)
    found = _found(world, expected)
    if not world.source.logs_in(found):
        raise LoginRefused(f"{world.target.name}: what {world.traffic().name} holds for {found.username} does not log in")
    if world.endpoint is not None and not world.endpoint.logs_in(found):
        raise LoginRefused(f"{world.target.name}: {world.endpoint.name} refuses {found.username}, which the database accepts")
    if world.health is not None:
        world.health.check()
    _found(world, expected)  # a dead run's write may have landed meanwhile: then the page spoke for another credential
    return {"user": expected.username}


def _found(world: World, expected: Credential) -> Credential:
    found = _held(world, world.traffic(), expected)
    for place in world.target.taken_at_start:
        _held(world, world.credential(place, expected.username), expected)
    return found


def _held(world: World, consumer: CredentialConsumer, expected: Credential) -> Credential:
    found = consumer.read().at_place_of(expected)
    if not found.same_login(expected):
        raise ConsumerDiffers(f"{world.target.name}: {consumer.name} does not hold the credential of {expected.username}")
    return found
