"""The rules of an admin that another target rotates, left out."""

from dataclasses import replace
from typing import Any

from rotation.core.errors import AdminLoginUnknown
from rotation.core.record import AdminRecord
from rotation.protocol.survey import _Admin
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


def looked_up_once(world: Any, logins: Any, _: Any = ()) -> Any:
    labels = world.admin.labels()
    for version in dict.fromkeys(v for v in (labels.current, labels.pending, labels.previous) if v):
        credential = AdminRecord.parse(world.admin.read(version), world.admin.name).credential
        if logins.works(credential):
            return _Admin(credential, None)
    raise AdminLoginUnknown("no password logs in as the admin")


SHARED = [
    Mutation(
        "a shared admin: rotated by everybody",
        replaced(f"{STEPS}.rotate_admin.rotate_admin", rotated_by_everybody),
        check=owner.first,
    ),
    Mutation("a shared admin: looked up once", replaced("rotation.protocol.survey._admin", looked_up_once), check=owner.first),
]
