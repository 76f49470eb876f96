"""FixPermissions: owner and mode of sqlconf.php as the target names them. Its content is not read, and no credential changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request


def fix_permissions(world: World, _request: Request) -> dict[str, Any]:
    """Whether anything had to change."""
    changed = [file.fix_permissions() for file in world.files()]
    return {"changed": any(changed)}
