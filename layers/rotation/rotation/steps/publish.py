"""WriteSqlconf and PatchSecret: make one consumer use an entry of the intent. Forward and back are the same act.

The very bytes are tried first: on the way back too, where nobody else has."""

from typing import Any

from rotation.core.errors import ConsumerDiffers, LoginRefused
from rotation.ports import World
from rotation.protocol.intents import confirm
from rotation.protocol.request import Request


def publish(world: World, request: Request) -> dict[str, Any]:
    """Whether anything had to change. What was written is read back before it counts."""
    record, _ = confirm(world.slots, request.claim.version, request.direction)
    credential = record.credential(request.entry)
    if not world.source.logs_in(credential):
        raise LoginRefused(f"{world.target.name}: {credential.username} is not published: its recorded password does not log in")
    consumer = world.credential(request.consumer)
    changed = consumer.publish(credential)
    if consumer.read().at_port_of(credential) != credential:
        raise ConsumerDiffers(f"{world.target.name}: {consumer.name} does not read back as it was written")
    return {"changed": changed}
