"""What a person edits between two tries of one claim: the function dies before any boundary of ClaimRotation, somebody changes what
it had looked at, and it is asked again. Neither faults alone show that, nor schedules, which draw it too seldom."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from rotation.core.model import Slot

from tests.faults.calls.kinds import Kind, Strike
from tests.faults.crowd import schedules
from tests.faults.crowd.schedules import Schedule
from tests.faults.laws import instant
from tests.faults.laws.violation import Violation
from tests.faults.walk.search import Found
from tests.worlds.living import LivingWorld
from tests.worlds.world import USERS, credential

STRUCK = "ClaimRotation"
TO_THE_END = 10_000
Hand = Callable[[LivingWorld], None]


@dataclass(frozen=True)
class Edit:
    """What somebody does before the run begins, and then between its two tries."""

    before: Hand
    between: Hand
    mode: str = "rotate"
    stopped_at: str = ""
    """Where a rotation was stopped before all that."""


def changes(slot: Slot, password: str, *, everywhere: bool = True) -> Hand:
    """The user's password; `everywhere`: in what the application reads, too."""

    def act(world: LivingWorld) -> None:
        world.account(slot).password = password
        if everywhere:
            world.application_uses(credential(USERS[slot], password))

    return act


EDITS = {
    "a password is changed, and again": Edit(changes(Slot.A, "canary-changed"), changes(Slot.A, "canary-changed-again")),
    "sqlconf.php is mended while a revocation begins": Edit(
        changes(Slot.B, "canary-changed", everywhere=False), changes(Slot.B, "canary-changed"), "revoke", "CheckDrained"
    ),
    "a password is changed again beside a retirement": Edit(
        changes(Slot.B, "canary-changed"), changes(Slot.B, "canary-changed-again"), stopped_at="CheckDrained"
    ),
}


def walked() -> tuple[int, list[Found]]:
    """How many runs there are, and what they break."""
    results = [one for name, edit in EDITS.items() for one in _each(name, edit)]
    return len(results), [found for found in results if found]


def first() -> Found | None:
    """The first thing found."""
    return next((found for name, edit in EDITS.items() for found in _each(name, edit) if found), None)


def _each(name: str, edit: Edit) -> Iterator[Found | None]:
    """For every boundary that the claim has."""
    for number in count(1):
        schedule = schedules.begun("from A")
        path = (name, f"{STRUCK} dies before {number}")
        try:
            if not _struck(schedule, edit, number):
                return
            _edited(schedule, edit.between)
            schedule.end()
            yield None
        except Violation as violation:
            yield Found(violation.law, violation.what, (*path, *schedule.said, f"then at {violation.where}"))
        except Exception as error:  # noqa: BLE001 - a step that breaks is found, like all else
            yield Found("error", f"{type(error).__name__}: {error}", (*path, *schedule.said))


def _struck(schedule: Schedule, edit: Edit, number: int) -> bool:
    """Whether the claim came to that boundary, and died there."""
    if edit.stopped_at:
        schedule.start("rotate")
        _to(schedule, edit.stopped_at)
        schedule.stop(0)
    _edited(schedule, edit.before)
    schedule.start(edit.mode)
    _to(schedule, STRUCK)
    schedule.act(0, TO_THE_END, Strike(Kind.DIES, number))
    return bool(schedule.actors) and schedule.actors[0].state == STRUCK


def _to(schedule: Schedule, state: str) -> None:
    while schedule.actors[0].state != state:
        schedule.act(0, TO_THE_END)
        if not schedule.actors:
            raise Violation("at-rest", f"the run ended before it came to {state}")


def _edited(schedule: Schedule, hand: Hand) -> None:
    hand(schedule.world)
    schedule.say("somebody edits")
    instant.begin(schedule.world, by_hand=True)
