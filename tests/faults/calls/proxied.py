"""What a rotation may find behind a proxy when it begins; and one that Secrets Manager has begun."""

import json

from rotation.core.model import CURRENT, Credential, SecretText, Slot

from local import secret_labels as aws
from tests.faults.calls import secrets_manager
from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.proxied import OTHERS
from tests.worlds.world import LONGER, USERS

TOKEN = "5ec2e750-0000-4000-8000-000000000001"
"""The version that Secrets Manager rotates to."""


def behind_a_proxy() -> LivingWorld:
    """PostgreSQL: one password a user, so that a new one and its proxy secret are two acts."""
    return ProxiedWorld()


def behind_a_proxy_in_a_ring_of_three() -> LivingWorld:
    return ProxiedWorld(ring=LONGER, active=Slot.C)


def behind_a_proxy_of_mysql() -> LivingWorld:
    return ProxiedWorld(kind="mysql")


def rotated_by_secrets_manager() -> LivingWorld:
    """It has named the version, and called createSecret, which started the run."""
    world = ProxiedWorld(rotated_to=TOKEN)
    world.others = secrets_manager.prompt
    return world


def rotated_stubbornly() -> LivingWorld:
    """Step by step, and after a way back again with the same version."""
    world = ProxiedWorld(rotated_to=TOKEN)
    world.abandons = False
    world.others = secrets_manager.slow
    return world


def not_finished_in_time() -> LivingWorld:
    """It does all but the last step, until the run has turned back."""
    world = ProxiedWorld(rotated_to=TOKEN)
    world.others = secrets_manager.late
    return world


def behind_a_proxy_with_much_left_wrong() -> LivingWorld:
    """The proxy knows a former password of the user that comes next, and Secrets Manager is locked out of its own rotation."""
    world = ProxiedWorld()
    former = {**OTHERS, "username": USERS[Slot.B], "password": "canary-of-b-former"}
    world.proxies[USERS[Slot.B]].put("former", SecretText(json.dumps(former)))
    aws.reserve(world.application.versions, TOKEN)
    return world


def rotated_to_the_version(world: LivingWorld, place: Place, *before: Credential) -> None:
    """Of Secrets Manager's naming, where that has started the run."""
    at_rest(world, place, *before)
    if place.who.given.get("secret_version") and aws.holder_of(world.reads_published()[0].versions, CURRENT) != TOKEN:
        raise Violation("at-rest", "Secrets Manager's rotation came to nothing")
