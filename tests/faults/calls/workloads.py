"""What a rotation may find when it begins, where pods have their login from a Kubernetes Secret, beside a path of a Vault."""

from rotation.core.errors import AppUnhealthy
from rotation.core.model import Slot

from tests.worlds.living import LivingWorld
from tests.worlds.workloads import PodsWorld
from tests.worlds.world import FORMER, FORMER_PASSWORD, RING, USERS, credential, login


def in_pods() -> LivingWorld:
    return PodsWorld()


def in_pods_without_dual_passwords() -> LivingWorld:
    """As on PostgreSQL."""
    return PodsWorld(dual_passwords=False)


def in_pods_two_values() -> LivingWorld:
    return PodsWorld(two_values=True)


def in_slow_pods() -> LivingWorld:
    return _slow(PodsWorld())


def in_slow_pods_two_values() -> LivingWorld:
    """Only the rollout tells who still works with the old password."""
    return _slow(PodsWorld(two_values=True))


def _slow(world: PodsWorld) -> PodsWorld:
    """The controller is busy: a rollout outlasts the drain's quiet period."""
    world.pods.observed_seconds, world.pods.rolled_seconds = 25.0, 30.0
    return world


def in_pods_from_a_former_user() -> LivingWorld:
    """A first rotation."""
    world = PodsWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    return world


def in_pods_that_were_not_restarted() -> LivingWorld:
    """A person wrote the other slot, restarted them, and wrote back what was there before: only the pods know of it."""
    world = PodsWorld()
    world.pods.environments = (login(Slot.B),)
    return world


def in_pods_where_b_does_not_work() -> LivingWorld:
    """As soon as one runs with it, the page shows that."""
    world = PodsWorld()

    def check() -> None:
        if any(one.username == USERS[Slot.B] for one in world.pods.environments):
            raise AppUnhealthy("the page does not show the application")

    world.health.check = check  # type: ignore[method-assign]
    return world
