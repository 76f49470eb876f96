"""The rules of an admin that another target rotates, left out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rotation.core.record import AdminRecord
from rotation.protocol.admin_login import Known
from rotation.steps.rotate_admin import rotate_admin

from tests.faults.crowd import owner
from tests.faults.teeth.mutation import STEPS, Mutation, replaced


class Owning:
    """The world of a target that takes the admin for its own."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.target = replace(world.target, rotates_admin=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


def rotated_by_everybody(world: Any, request: Any) -> Any:
    return rotate_admin(Owning(world), request)


def looked_up_once(world: Any, *_: Any) -> Iterator[Known]:
    labels = world.admin.labels()
    for version in dict.fromkeys(v for v in (labels.current, labels.pending, labels.previous) if v):
        yield Known(AdminRecord.parse(world.admin.read(version), world.admin.name).credential, None)


SHARED = [
    Mutation(
        "a shared admin: rotated by everybody",
        replaced(f"{STEPS}.rotate_admin.rotate_admin", rotated_by_everybody),
        check=owner.first,
    ),
    Mutation("a shared admin: looked up once", replaced("rotation.protocol.admin_login._known", looked_up_once), check=owner.first),
]
