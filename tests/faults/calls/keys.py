"""What a rotation of signing keys may find when it begins; and what must be so of the JWKS in the end."""

from rotation.core.model import Credential, Password

from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.jwks import JwksWorld, as_key
from tests.worlds.living import LivingWorld


def signs_tokens() -> LivingWorld:
    return JwksWorld()


def rests_in_the_jwks(world: LivingWorld, place: Place, *before: Credential) -> None:
    """The key in use is there, of ours no other, and what was withdrawn is taken by nobody."""
    at_rest(world, place, *before)
    assert isinstance(world, JwksWorld)
    used, ours = world.current.credential(world.current.active), world.source.accounts[world.held.username]
    wrong = {
        "another key of ours is in the JWKS": ours.old is None and ours.password == used.password.reveal(),
        "the key in use is not taken by every verifier": world.accepts(used),
        "a verifier takes a withdrawn key": not any(world.taken(one) for one in before),
        "the key of the next rotation is published": world.source.jwks.state.text.count(as_key(_next(world))["kid"]) == 0,
    }
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)


def _next(world: LivingWorld) -> Password:
    return world.current.credential(world.current.leaves).password
