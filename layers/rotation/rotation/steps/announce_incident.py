"""AnnounceIncident: tell people that credentials are being revoked, before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request

UNKNOWN = "not given"


def _who(world: World) -> str:
    if world.target.rotates_admin:
        return "Both users of the application and the database admin"
    return "Both users of the application (not the database admin: revoke the target that rotates it, too)"


def announce_incident(world: World, request: Request) -> dict[str, Any]:
    """Also what is about to happen: sessions that people hold as these users will end."""
    name = world.target.name
    world.announce(
        f"INCIDENT: credentials of {name} are being revoked",
        f"The database credentials of {name} are taken for stolen and are being replaced.\n\n"
        f"Reason: {request.reason or UNKNOWN}\n"
        f"Started by: {request.started_by or UNKNOWN}\n"
        f"Execution: {request.owner}\n\n"
        f"{_who(world)} get new passwords. The application keeps working; every other"
        " session of these users is ended. A rotation that was running is taken over.\n"
        "It is done when the execution ends in Revoked; until then a stolen password may still work.\n",
    )
    return {"announced": True}
