"""What a rotation may find when it begins, where a function of the user's own puts the application's login."""

from tests.worlds.living import LivingWorld
from tests.worlds.own_function import FunctionWorld
from tests.worlds.world import FORMER, FORMER_PASSWORD, RING, USERS, credential


def put_by_a_function() -> LivingWorld:
    return FunctionWorld()


def put_by_a_function_without_dual_passwords() -> LivingWorld:
    """The old password goes with the alter: nothing but the wait for everybody protects who has not got the new one."""
    return FunctionWorld(dual_passwords=False)


def put_by_a_function_from_a_former_user() -> LivingWorld:
    """A first rotation."""
    world = FunctionWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    return world
