"""What a rotation may find when it begins."""

import json
from collections.abc import Callable

from rotation.model import SecretText, Slot

from tests.worlds.living import LivingWorld
from tests.worlds.world import (
    ADMIN,
    FORMER,
    FORMER_PASSWORD,
    USERS,
    credential,
    fields,
    login,
)

Make = Callable[[], LivingWorld]


def from_a() -> LivingWorld:
    return LivingWorld()


def from_b() -> LivingWorld:
    return LivingWorld(active=Slot.B)


def bootstrap() -> LivingWorld:
    """The application uses neither slot, and the secret holds what Terraform put there."""
    world = LivingWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in Slot:
        del world.source.accounts[USERS[slot]]
    return world


def bootstrap_from_the_admin() -> LivingWorld:
    """The application works as the admin, whose password only sqlconf.php still knows."""
    world = bootstrap()
    world.source.accounts[ADMIN].password = "canary-of-master-driftedM"
    world.application_uses(credential(ADMIN, "canary-of-master-driftedM"))
    return world


def drifted_active() -> LivingWorld:
    """The application's password is not the one in the secret."""
    world = LivingWorld()
    world.account(Slot.A).password = "canary-of-a-drifted"
    world.application_uses(credential(USERS[Slot.A], "canary-of-a-drifted"))
    return world


def drifted_standby() -> LivingWorld:
    """Nobody knows the standby's password."""
    world = LivingWorld()
    world.account(Slot.B).password = "canary-of-b-drifted"
    return world


def drifted_admin() -> LivingWorld:
    """Somebody put the admin secret with a wrong password; the one before it logs in."""
    world = LivingWorld()
    theirs = fields(credential(ADMIN, "canary-of-master-never-set"))
    world.admin.put("theirs", SecretText(json.dumps(theirs)))
    return world


def without_dual_passwords() -> LivingWorld:
    return LivingWorld(dual_passwords=False)


def without_login_counts() -> LivingWorld:
    return LivingWorld(counts_logins=False)


def with_a_leftover() -> LivingWorld:
    """An older password of the active user still works, and no version knows it."""
    world = LivingWorld()
    world.account(Slot.A).old = "canary-of-a-leftover"
    return world


SCENARIOS: dict[str, tuple[Make, str]] = {
    "from A": (from_a, ""),
    "from B": (from_b, ""),
    "bootstrap": (bootstrap, ""),
    "drifted slot": (drifted_active, ""),
    "drifted standby": (drifted_standby, ""),
    "drifted admin": (drifted_admin, ""),
    "interrupted flip": (from_a, "ValidateApp"),
    "interrupted retirement": (from_a, "CheckDrained"),
    "undiscarded password": (from_a, "CheckStillDrained"),
    "bootstrap from a drifted admin": (bootstrap_from_the_admin, ""),
    "no dual passwords": (without_dual_passwords, ""),
    "no login counts": (without_login_counts, ""),
    "a leftover password": (with_a_leftover, ""),
}
"""A world, and the state before which a first run was stopped in it."""
