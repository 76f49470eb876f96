"""What the documents of several targets say together: which of them a secret belongs to, and who else rotates the same admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rotation.core.errors import TargetInvalid, TargetNotFound, TrafficElsewhere
from rotation.kinds.target import kinds_with, parse_target

if TYPE_CHECKING:
    from rotation.kinds.target import Target


def rotated_by(secret: str, documents: Mapping[str, str]) -> Target:
    """Of all documents, by the target's name, the one whose traffic that secret moves; others may be broken."""
    naming = [parse_target(name, text) for name, text in documents.items() if f'"{secret}"' in text]
    found = [target for target in naming if target.rotated_secret == secret]
    if len(found) > 1:
        raise TargetInvalid(f"{found[1].name}: {secret} moves the traffic of {found[0].name} already")
    if found:
        return found[0]
    if not naming:
        kinds = kinds_with(lambda known: known.rotated)
        raise TargetNotFound(f"no target document names {secret}: say it as a consumer of kind {kinds}")
    target = naming[0]
    raise TrafficElsewhere(
        f"{target.name}: Secrets Manager cannot rotate {secret}, since it does not move the application's traffic"
        f" ({target.moved_by.kind} does): start the state machine itself"
    )


def owners_beside(target: Target, documents: Mapping[str, str]) -> list[str]:
    """Of all documents, by the target's name, those that rotate the same admin as this one does; broken ones are passed over."""
    naming = {name: text for name, text in documents.items() if f'"{target.admin_secret}"' in text and name != target.name}
    return [name for name, text in naming.items() if target.rotates_admin and _rotates(target.admin_secret, name, text)]


def _rotates(admin_secret: str, name: str, text: str) -> bool:
    try:
        other = parse_target(name, text)
    except TargetInvalid:
        return False
    return other.rotates_admin and other.admin_secret == admin_secret
