"""What a rotation may find when it begins, where the application reads its login from a path of a Vault."""

from tests.worlds.living import LivingWorld
from tests.worlds.vaulted import VaultWorld
from tests.worlds.world import FORMER, FORMER_PASSWORD, RING, USERS, credential


def in_a_vault() -> LivingWorld:
    return VaultWorld()


def in_a_vault_from_a_former_user() -> LivingWorld:
    """A first rotation: what it finds there is nobody's to destroy."""
    world = VaultWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    return world
