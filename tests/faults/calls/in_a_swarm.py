"""What a rotation may find when it begins where tasks of a service have the login in files."""

from rotation.core.model import Slot

from tests.worlds.in_a_swarm import SwarmWorld
from tests.worlds.living import LivingWorld
from tests.worlds.world import LONGER


def in_a_swarm() -> LivingWorld:
    return SwarmWorld()


def in_a_swarm_with_one_restart() -> LivingWorld:
    """The application tries the newest file itself."""
    return SwarmWorld(restarts=1)


def in_a_swarm_with_two_restarts() -> LivingWorld:
    return SwarmWorld(restarts=2)


def in_a_swarm_in_a_ring_of_three() -> LivingWorld:
    return SwarmWorld(ring=LONGER, active=Slot.C)
