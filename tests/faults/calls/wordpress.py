"""What a rotation may find when it begins where each instance has a file of its own."""

from rotation.core.model import Slot

from tests.faults.calls import secrets_manager
from tests.faults.calls.proxied import TOKEN
from tests.worlds.fleet import FIRST, SECOND
from tests.worlds.living import LivingWorld
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, LONGER, RING, USERS, credential, login


def on_instances() -> LivingWorld:
    return WordPressWorld()


def on_instances_two_values() -> LivingWorld:
    """Two passwords of one user: nobody can see which of them a session has used."""
    return WordPressWorld(two_values=True)


def on_instances_in_a_ring_of_three() -> LivingWorld:
    return WordPressWorld(ring=LONGER, active=Slot.C)


def with_a_slow_agent() -> LivingWorld:
    """What the second is told it does so late that others are done long before."""
    world = WordPressWorld()
    world.instances.change(SECOND, delay=10.0)
    return world


def with_slow_boots() -> LivingWorld:
    """From reading what is current until it is in the file an instance takes longer than a whole drain."""
    return WordPressWorld(boot_seconds=90.0)


def with_one_on_the_other_slot() -> LivingWorld:
    """Somebody has edited its file, or a command of long ago came late."""
    world = WordPressWorld()
    world.instances.change(SECOND, holds=login(Slot.B))
    return world


def where_the_first_does_not_show_its_page() -> LivingWorld:
    """With the credential of B."""
    world = WordPressWorld()
    world.instances.change(FIRST, shows=False)
    return world


def on_instances_as_the_admin() -> LivingWorld:
    """The application has always worked as the admin; neither slot has a user yet."""
    world, admin = WordPressWorld(), credential(ADMIN, ADMIN_PASSWORD)
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    world.uses(admin)
    return world


def on_instances_rotated_by_secrets_manager() -> LivingWorld:
    """It has named the version, and called createSecret, which started the run."""
    world = WordPressWorld(rotated_to=TOKEN)
    world.others = secrets_manager.prompt
    return world


def on_instances_rotated_stubbornly() -> LivingWorld:
    """Step by step, and after a way back again with the same version."""
    world = WordPressWorld(rotated_to=TOKEN)
    world.abandons = False
    world.others = secrets_manager.slow
    return world
