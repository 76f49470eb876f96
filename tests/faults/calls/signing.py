"""What a rotation of signing keys may find when it begins; and what must be so of the JWKS in the end."""

from rotation.core.errors import AppUnhealthy
from rotation.core.model import Credential, Password, Slot

from tests.faults.laws.instant import BY_HAND
from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.jwks import SIGNER, JwksWorld, as_key
from tests.worlds.living import LivingWorld
from tests.worlds.world import PASSWORDS, RING, credential


def signs_tokens() -> LivingWorld:
    return JwksWorld()


def whose_tokens_are_given_up() -> LivingWorld:
    """A key was stolen: whoever has a token of it is to sign in again."""
    world = JwksWorld()
    world.life_seconds = 0.0
    return world


def where_the_new_key_does_not_work() -> LivingWorld:
    world, new = JwksWorld(), PASSWORDS[Slot.B]

    def check() -> None:
        if world.held.password.reveal() == new:
            raise AppUnhealthy("the page does not show the application")

    world.health.check = check  # type: ignore[method-assign]
    return world


def kept_for_the_next_run(world: LivingWorld, place: Place) -> None:
    """After a rollback: who was shown a token of the new key goes on, and the next run takes the very same."""
    assert isinstance(world, JwksWorld)
    next_one = world.current.credential(world.current.leaves)
    if next_one.password.reveal() != PASSWORDS[Slot.B] or not world.taken(next_one):
        raise Violation("at-rest", f"the run ended {place.state}, and the new key was not kept")


def given_up(world: LivingWorld, place: Place, *before: Credential) -> None:
    """Neither of both keys that were known before is taken by anybody."""
    rests_in_the_jwks(world, place, *before, *(credential(SIGNER, PASSWORDS[slot]) for slot in RING), state="Revoked")


def rests_in_the_jwks(world: LivingWorld, place: Place, *before: Credential, state: str = "RotationSucceeded") -> None:
    """The key in use is there, of ours no other, and what was withdrawn is taken by nobody. A record put in a retirement by
    people may leave the old key there for one rotation longer."""
    at_rest(world, place, *before, state=state)
    assert isinstance(world, JwksWorld)
    by_hand = BY_HAND in world.remembers
    used, ours = world.current.credential(world.current.active), world.source.accounts[world.held.username]
    wrong = {
        "another key of ours is in the JWKS": (by_hand or ours.old is None) and ours.password == used.password.reveal(),
        "the key in use is not taken by every verifier": world.accepts(used),
        "a verifier takes a withdrawn key": by_hand or not any(world.taken(one) for one in before),
        "the key of the next rotation is published": world.source.jwks.state.text.count(as_key(_next(world))["kid"]) == 0,
    }
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)


def _next(world: LivingWorld) -> Password:
    return world.current.credential(world.current.leaves).password
