"""What a rotation of keys may find when it begins; and what must be so at the provider in the end."""

from rotation.core.model import Credential

from tests.faults.laws.instant import BY_HAND
from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.acmed import AcmeWorld
from tests.worlds.asl import Place
from tests.worlds.certified import CertifiedWorld
from tests.worlds.described import DescribedWorld
from tests.worlds.keyed import FIRST, LAGS_FOR, KeyedWorld, Terms, empty
from tests.worlds.living import LivingWorld

JOB_SECONDS = 60.0
NAMED = Terms(limit=None, named=True, dedicated=False, deactivates=False)
"""An API's: as many as one likes, each with a name, and an end that nobody can undo."""


def keys() -> LivingWorld:
    return KeyedWorld()


def first_rotation_of_keys() -> LivingWorld:
    """The record knows no key yet."""
    return KeyedWorld(record=empty())


def keys_seen_late() -> LivingWorld:
    """What the provider is told it knows some seconds later."""
    return KeyedWorld(Terms(lags=LAGS_FOR))


def named_keys() -> LivingWorld:
    """Besides ours a person's."""
    return KeyedWorld(NAMED, persons=True)


def named_keys_seen_late() -> LivingWorld:
    return KeyedWorld(NAMED._replace(lags=LAGS_FOR), persons=True)


def described_keys() -> LivingWorld:
    """The shipped adapter before a provider that is described, and that knows some seconds later what it is told."""
    return DescribedWorld(LAGS_FOR)


def certificates() -> LivingWorld:
    """The shipped adapter before a PKI, whose other nodes know some seconds later what it was told."""
    return CertifiedWorld(LAGS_FOR)


def acme_certificates() -> LivingWorld:
    """The shipped adapter before an ACME server, which lists nothing, and a zone."""
    return AcmeWorld()


def keys_of_a_person() -> LivingWorld:
    """The user's second key is a person's, who uses it."""
    return KeyedWorld(persons=True)


def keys_kept_in_next() -> LivingWorld:
    """A run that was rolled back left its key, which is recorded."""
    world = KeyedWorld()
    kept = world.source.add(world.next_password(), "")
    world.person_puts(B={"username": kept.username, "password": kept.password.reveal()})
    world.source.kept = world.source.kept._replace(
        there=tuple(key._replace(made=world.clock - 1_000_000.0) for key in world.source.kept.there)
    )
    return world


def keys_with_a_job() -> LivingWorld:
    """Something that nobody thought of goes on with the old key for longer than a rotation takes."""
    world = KeyedWorld()
    world.job = (world.clock + JOB_SECONDS, FIRST)
    return world


def one_key_is_left(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """The one in use, and what people made. A record that people put while a key was on its way may have dropped that key: it is
    named then, and nothing is touched."""
    if BY_HAND in world.remembers and place.state == "RotationRefused" and "UnknownKey" in (place.cause or ""):
        return
    at_rest(world, place, began_with)
    assert isinstance(world, KeyedWorld)
    in_use = world.current.credential(world.current.active)
    left = {one.id for one in world.source.kept.there if not one.persons}
    if left != {in_use.username}:
        raise Violation("at-rest", f"the provider has {', '.join(sorted(left))}, and {in_use.username} alone is in use")


def refused_with_its_name(world: LivingWorld, place: Place, _: Credential) -> None:
    """Nothing was touched, and whose key stands in the way is said."""
    assert isinstance(world, KeyedWorld)
    if place.state != "RotationRefused" or "Key-999999" not in (place.cause or ""):
        raise Violation("at-rest", f"the run ended {place.state}: {place.cause}")
    if world.slots.labels().pending is not None or not world.held.same_login(FIRST):
        raise Violation("at-rest", "something was changed, although a person's key is in the way")
