"""What must be so after one clean run."""

from rotation.core.model import Credential

from tests.faults.laws import published
from tests.faults.laws.instant import BY_HAND
from tests.faults.laws.recorded import active_login, rotation_of
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN, FORMER, USERS


def _renewal(world: LivingWorld, place: Place, state: str) -> object:
    """A revocation makes a new one in each of its rounds."""
    return f"{place.who.name} {place.who.started} {len(world.current.ring)}" if state == "Revoked" else rotation_of(world.slots)


def at_rest(world: LivingWorld, place: Place, *before: Credential, state: str = "RotationSucceeded") -> None:
    """After one clean run: nothing is left over, and the application is on a working and new credential.

    `before`: what it used at first. Where people changed it meanwhile, also what they changed it to: new is what is not all of
    these; and that an old password is accepted one rotation longer is what a secret put in the middle of a retirement costs.
    """
    current, accounts, by_hand = world.current, world.source.accounts, BY_HAND in world.remembers
    wrong = {
        f"the run ended {place.state}: {place.cause}": place.state == state,
        "AWSPENDING is held": world.slots.labels().pending is None and world.admin.labels().pending is None,
        "a consumer is not on the active slot": all(one.same_login(active_login(world)) for one in world.holdings().values()),
        "a slot does not log in": all(
            world.accepts(current.credential(slot)) for slot in ((current.active,) if current.fresh else current.ring)
        ),
        "the admin does not log in": world.accepts(world.current_admin.credential),
        "the admin's password is not of this rotation": not world.target.rotates_admin
        or rotation_of(world.admin) == _renewal(world, place, state),
        "an old password is left": by_hand
        or not [n for n in (*USERS.values(), ADMIN) if n in accounts and accounts[n].old is not None],
        "the application uses what it used before": by_hand or not all(world.held.same_login(one) for one in before),
        "the old credential is accepted": by_hand or before[0].username == FORMER or not world.accepts(before[0]),
        "the record of a first rotation was kept": current.previous is None,
        **published.at_rest(world, by_hand=by_hand),
    }
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)
