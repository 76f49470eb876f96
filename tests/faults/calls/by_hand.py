"""What a rotation to a key that a person has made may find when it begins; and what must be so in the end."""

from rotation.core.model import Credential, Slot

from tests.faults.calls.machinery import clean_run
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.by_hand import ByHandWorld, reminders
from tests.worlds.living import LivingWorld
from tests.worlds.world import PASSWORDS


def handed_in_by_hand() -> LivingWorld:
    return ByHandWorld()


def none_handed_in() -> LivingWorld:
    return ByHandWorld("")


def another_handed_in_late() -> LivingWorld:
    return ByHandWorld(slow=True)


def another_handed_in_again_and_again() -> LivingWorld:
    return ByHandWorld(eager=True)


def _at_rest(world: LivingWorld, place: Place, states: tuple[str, ...]) -> dict[str, bool]:
    active = world.current.credential(world.current.active)
    return {
        f"the run ended {place.state}: {place.cause}": place.state in states,
        "AWSPENDING is held": world.slots.labels().pending is None,
        "a consumer is not on the active slot": all(one.same_login(active) for one in world.holdings().values()),
        "the key in use is one that people are told to revoke": active.password.reveal() not in reminders(world),
    }


def _need(wrong: dict[str, bool]) -> None:
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)


def reminded_of_the_old(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """After a rotation: the entry is empty, and the key that was left is a reminder. A run after it finds no key to go to."""
    current = world.current
    _need({
        **_at_rest(world, place, ("RotationSucceeded", "RotationRefused")),
        "the application uses what it used before": not world.held.same_login(began_with),
        "the entry of the old key is not empty": current.credential(current.leaves).password.is_empty,
        "nobody is reminded of the old key": began_with.password.reveal() in reminders(world),
    })  # fmt: skip


def refused_after_the_rest(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """An earlier run's retirement was finished, and for a rotation of its own there is no key."""
    _need({
        **_at_rest(world, place, ("RotationRefused",)),
        "nobody is reminded of the old key": began_with.password.reveal() in reminders(world),
        "the entry of the old key is not empty": world.current.credential(world.current.leaves).password.is_empty,
    })  # fmt: skip


def waits_for_a_key(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """Nothing was touched."""
    _need({
        **_at_rest(world, place, ("RotationRefused",)),
        "the application does not use what it used before": world.held.same_login(began_with),
        "people are told to revoke something": not reminders(world),
        "the record was written": world.slots.labels().current == "v0",
    })  # fmt: skip


def back_and_kept(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """After a rollback the key that was handed in is the next one still."""
    current = world.current
    _need({
        **_at_rest(world, place, ("RolledBack",)),
        "the application does not use what it used before": world.held.same_login(began_with),
        "the key that was handed in is lost": world.accepts(current.credential(current.after(current.active))),
        "people are told to revoke something": not reminders(world),
    })  # fmt: skip


def whatever_came_of_both(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """Another key was handed in beside a run: that one may have stopped, and the next gone to either. Nothing is lost, and what
    nobody uses and waits for is to be revoked."""
    if world.slots.labels().pending is not None:
        place = clean_run(world, "the-next")
    current = world.current
    entries = {current.credential(slot).password.reveal() for slot in current.ring}
    noted = entries | {one.key.reveal() for one in current.outstanding}
    _need({
        **_at_rest(world, place, ("RotationSucceeded", "RotationRefused")),
        "a key is neither kept nor to be revoked": {began_with.password.reveal(), PASSWORDS[Slot.B]} <= noted,
    })  # fmt: skip
