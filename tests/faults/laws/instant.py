"""What must hold at every instant (design, section 2), asked of the world after every boundary.

What did not hold when a scenario began, or a person broke, is excused until it holds; from then on it must.
"""

from collections.abc import Iterator

from rotation.core.model import CURRENT

from tests.faults.laws import published
from tests.faults.laws.recorded import active_login, content_of, login_of, recorded_in, said
from tests.faults.laws.violation import Violation
from tests.worlds.keyed import KeyedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN, FORMER, USERS

BY_HAND = "people were here"


BOOTSTRAPPED = "the application began as a slot"


def begin(world: LivingWorld, *, by_hand: bool = False) -> None:
    """What does not hold now is excused; a person's act is followed by this too. `by_hand`: he put the slot secret, or pointed a
    consumer elsewhere: with what he put he may have dropped from the record what is in use, which the next run finds as drift."""
    world.look_at_sessions()
    if not by_hand and world.held.username in USERS.values():
        world.remembers |= {BOOTSTRAPPED}
    excused = {f"excused {fact}" for fact, holds in _facts(world) if not holds}
    kept = {one for one in world.remembers if one == BOOTSTRAPPED or one.startswith(("closed ", "restarted ", "restored "))} | (
        {BY_HAND} if by_hand else world.remembers & {BY_HAND}
    )
    world.remembers = frozenset(kept | excused | _notes(world))


def check(world: LivingWorld) -> None:
    """After every boundary, and whenever time has passed."""
    excused = {one for one in world.remembers if one.startswith("excused ")}
    broken = [fact for fact, holds in _facts(world) if not holds]
    for fact in broken:
        if f"excused {fact}" not in excused:
            law, _, what = fact.partition(" ")
            raise Violation(law, what)
    if excused:
        world.remembers -= excused - {f"excused {fact}" for fact in broken}
    published.check(world)
    lost = {one for one in world.remembers if one.startswith("note ")} - _notes(world)
    if lost:
        raise Violation("lost-update", f"what somebody had put is gone: {', '.join(sorted(lost))}")


def _facts(world: LivingWorld) -> Iterator[tuple[str, bool]]:
    """Each as the invariant, a space and what is wrong if it does not hold."""
    known = recorded_in(world.slots)
    yield from _in_use(world, known)
    for username in (*USERS.values(), ADMIN):
        yield from _recorded_accounts(world, username, known if username != ADMIN else recorded_in(world.admin))
    if BOOTSTRAPPED in world.remembers or "rotation" in content_of(world.slots, CURRENT):
        yield "I6 what AWSCURRENT says for the active slot does not log in", world.accepts(active_login(world))
    if world.source.dual_passwords:
        admin = login_of(content_of(world.admin, CURRENT))
        yield "I6 what AWSCURRENT says for the admin does not log in", world.accepts(admin)
    if isinstance(world, KeyedWorld):
        yield from _issued(world)
    former = world.source.accounts.get(FORMER)
    yield "I8 what was in use before the first rotation was changed", former is None or former.old is None


def _issued(world: KeyedWorld) -> Iterator[tuple[str, bool]]:
    """What a person made stays as it is; and there are never more than the provider allows."""
    there = world.source.kept.there
    touched = [one.id for one in world.source.kept.deleted if one.persons] + [one.id for one in there if one.persons and one.ended]
    yield "I1' a key that a person made was deactivated or deleted", not touched
    yield "I1' there are more keys than the provider allows", len(there) <= (world.source.limit or len(there))


def _in_use(world: LivingWorld, known: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """What consumers hold, what is worked with, what pods run with; and, unless people changed the record, that it is in it."""
    held = world.holdings()
    for place, one in held.items():
        yield f"I3 what {place} holds for {said(one)} does not log in", world.gets_in(one)
    for one in world.lingering():
        yield f"I2 {said(one)} is worked with and does not log in any more", world.gets_in(one)
    if BY_HAND in world.remembers:
        return
    for one in world.environments():
        yield f"I2 pods run with {said(one)}, which does not log in", world.accepts(one)
    for one in {*held.values(), *world.lingering()}:
        if one.username in USERS.values() or isinstance(world, KeyedWorld):
            recorded = (one.username, one.password.reveal()) in known
            yield f"I1 {said(one)} is in use and in no labelled version", recorded


def _recorded_accounts(world: LivingWorld, username: str, known: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Whoever puts the slot secret in the middle of a retirement drops what it recorded, while the user accepts it: no login is
    lost by that, for the application's own credential is looked at for itself."""
    account = world.source.accounts.get(username)
    if account is None or (username != ADMIN and BY_HAND in world.remembers):
        return
    for password in (account.password, account.old):
        if password is not None:
            yield f"I1 {username}:{password} is accepted and in no labelled version", (username, password) in known


def _notes(world: LivingWorld) -> set[str]:
    """What people wrote into the secrets beside what is ours."""
    return {
        f"note {secret.name} {key}"
        for secret in (world.slots, world.admin)
        for key in content_of(secret, CURRENT)
        if key.startswith("note")
    } | world.notes()
