"""What a rotation may find on nodes of Redis when it begins; and what must be so on each of them in the end."""

from rotation.core.model import Credential

from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.living import LivingWorld
from tests.worlds.redis import PRIMARY, REPLICA, Nodes, RedisWorld


def two_nodes() -> LivingWorld:
    return RedisWorld()


def rests_on_every_node(world: LivingWorld, place: Place, *before: Credential) -> None:
    """What is recorded and nothing else, and saved."""
    at_rest(world, place, *before)
    user = world.current.credential(world.current.active)
    for login in (user, world.current_admin.credential):
        nodes, only = Nodes(world.source.accounts[login.username]), frozenset({login.password.reveal()})
        for node in (PRIMARY, REPLICA):
            if nodes.has(node) != only:
                raise Violation("at-rest", f"node {node} takes another password of {login.username} than the one recorded")
            if nodes.saved(node) != only:
                raise Violation("at-rest", f"node {node} has not saved what it takes of {login.username}")
