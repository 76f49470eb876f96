"""SayWhy: why the run is about to end as it does, in one sentence. It looks at nothing."""

from typing import Any

from rotation.ports import World
from rotation.protocol.request import Request
from rotation.told.cause import cause


def say_why(_world: World, request: Request) -> dict[str, Any]:
    """Whoever reads the Cause finds no stack trace in it and no JSON."""
    return {"cause": cause(request.ended)}
