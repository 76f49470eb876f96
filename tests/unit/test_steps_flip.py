"""FlipSlot, CloseFlip and ReleaseRotation: forward or back, never both, whatever lands late."""

from collections.abc import Callable

import pytest
from rotation.core.errors import RotationSuperseded, SecretStoreUnavailable
from rotation.core.model import CURRENT, PENDING, PREVIOUS, Password, Slot
from rotation.steps.close_flip import close_flip
from rotation.steps.flip_slot import flip_slot
from rotation.steps.release_rotation import release_rotation

from tests.worlds.journal import Crash
from tests.worlds.run import Run, refused
from tests.worlds.world import FORMER, FORMER_PASSWORD, MemoryWorld, credential


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def run(world: MemoryWorld) -> Run:
    """Up to the flip."""
    return Run(world).to_flip()


def edit(world: MemoryWorld) -> None:
    world.slots.put("edit", world.current.with_password(Slot.A, Password("theirs")).text(), [CURRENT])


def first_rotation() -> Run:
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    return Run(world).to_flip()


# FlipSlot


def test_the_intent_becomes_current_and_the_slot_before_it_previous(world: MemoryWorld, run: Run) -> None:
    assert run.ask(flip_slot) == {"active_slot": "B"}
    labels = world.slots.labels()
    assert (labels.current, labels.pending, labels.previous) == (run.claim, run.claim, "v0")


def test_flipped_again_nothing_moves(world: MemoryWorld, run: Run) -> None:
    run.ask(flip_slot)
    writes = list(world.journal.writes)
    assert run.ask(flip_slot) == {"active_slot": "B"}
    assert world.journal.writes == writes


@pytest.mark.parametrize("done", [False, True])
def test_after_an_unknown_outcome_it_is_looked_at_and_not_guessed(world: MemoryWorld, run: Run, done: bool) -> None:
    world.journal.crash(0, done=done)
    with pytest.raises(Crash):
        run.ask(flip_slot)
    run.ask(flip_slot)
    assert world.slots.labels().current == run.claim
    assert world.journal.writes.count("swap AWSCURRENT of slots") == 1


def test_a_secret_that_somebody_put_is_not_overwritten(world: MemoryWorld, run: Run) -> None:
    edit(world)
    with refused(world, RotationSuperseded, "became current"):
        run.ask(flip_slot)
    assert world.slots.labels().current == "edit"


def test_put_between_the_look_and_the_swap_it_is_not_overwritten_either(world: MemoryWorld, run: Run) -> None:
    world.journal.meanwhile("swap AWSCURRENT of slots", lambda: edit(world))
    with refused(world, RotationSuperseded, "before the flip"):
        run.ask(flip_slot)
    assert world.slots.labels().current == "edit"


def test_who_lost_the_intent_does_not_flip(world: MemoryWorld, run: Run) -> None:
    Run(world, "rival").to_claim()
    with refused(world, RotationSuperseded, "AWSPENDING"):
        run.ask(flip_slot)
    assert world.slots.labels().current == "v0"


# CloseFlip


def test_closed_what_is_current_keeps_its_slot_and_gains_the_intents_passwords() -> None:
    """SyncUsers may have set the standby to the password that only the intent records."""
    run = first_rotation()
    recorded = run.world.pending.credential(Slot.A)
    assert run.close_flip() == {"outcome": "closed", "entry": PREVIOUS}
    current = run.world.current
    assert (current.active, current.previous, current.tag) == (Slot.A, None, None)
    assert current.credential(Slot.A) == recorded


def test_closed_the_slot_to_go_back_to_is_the_active_one(world: MemoryWorld, run: Run) -> None:
    assert run.close_flip() == {"outcome": "closed", "entry": "A"}
    assert world.current.active is Slot.A
    assert world.slots.labels().pending == run.claim, "still ours: the way back is published under it"


def test_closed_no_flip_can_land_any_more(world: MemoryWorld, run: Run) -> None:
    run.close_flip()
    current = world.slots.labels().current
    assert not world.slots.swap(CURRENT, to=run.claim, removed_from="v0"), "the late call of the FlipSlot before"
    with refused(world, RotationSuperseded, "became current"):
        run.ask(flip_slot)
    assert world.slots.labels().current == current


def test_the_rotation_before_stays_the_one_that_current_names(world: MemoryWorld) -> None:
    """Else the rotation that was rolled back would be taken for done."""
    Run(world, "first").to_end()
    before = world.current.tag
    run = Run(world, "second").to_flip()
    run.close_flip()
    assert world.current.tag == before
    assert before
    assert before.id == "first"


@pytest.mark.parametrize("write", [0, 1])
@pytest.mark.parametrize("done", [False, True])
def test_a_close_that_died_is_carried_on(world: MemoryWorld, run: Run, write: int, done: bool) -> None:
    world.journal.crash(write, done=done)
    with pytest.raises(Crash):
        run.close_flip()
    assert run.close_flip() == {"outcome": "closed", "entry": "A"}
    assert run.close_flip() == {"outcome": "closed", "entry": "A"}
    assert world.journal.writes[-2:] == ["put slots", "swap AWSCURRENT of slots"]
    assert world.journal.writes.count("swap AWSCURRENT of slots") == 1


def test_a_flip_that_has_landed_is_not_undone(world: MemoryWorld, run: Run) -> None:
    run.ask(flip_slot)
    writes = list(world.journal.writes)
    assert run.ask(close_flip) == {"outcome": "landed", "entry": "B"}
    assert world.journal.writes == writes


def test_a_flip_that_lands_between_the_look_and_the_swap_is_found(world: MemoryWorld, run: Run) -> None:
    world.journal.meanwhile("swap AWSCURRENT of slots", lambda: run.ask(flip_slot))
    assert run.ask(close_flip) == {"outcome": "landed", "entry": "B"}
    assert world.slots.labels().current == run.claim


def test_a_flip_of_the_run_before_that_lands_late_is_still_ours(world: MemoryWorld, run: Run) -> None:
    """Its version is another, its content the same."""
    heir = Run(world, "heir").to_claim()
    assert world.slots.swap(CURRENT, to=run.claim, removed_from="v0")
    assert heir.ask(close_flip) == {"outcome": "landed", "entry": "B"}
    assert heir.ask(flip_slot) == {"active_slot": "B"}
    assert world.slots.labels().current == run.claim


STALE: dict[str, Callable[[Run], object]] = {
    "a person put a secret": lambda run: edit(run.world),
    "a rival claimed": lambda run: Run(run.world, "rival").to_claim(),
    "somebody let go": lambda run: run.world.slots.swap(PENDING, to=None, removed_from=run.claim),
}


@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_what_is_no_longer_ours_is_not_closed(world: MemoryWorld, run: Run, change: Callable[[Run], object]) -> None:
    change(run)
    labels = world.slots.labels()
    with refused(world, RotationSuperseded):
        run.ask(close_flip)
    assert world.slots.labels() == labels


def test_a_person_who_puts_a_secret_between_the_look_and_the_swap_wins(world: MemoryWorld, run: Run) -> None:
    world.journal.meanwhile("swap AWSCURRENT of slots", lambda: edit(world))
    with refused(world, RotationSuperseded, "became current"):
        run.ask(close_flip)
    assert world.slots.labels().current == "edit"


# ReleaseRotation


def test_let_go_nothing_is_pending(world: MemoryWorld) -> None:
    run = Run(world).to_release()
    assert run.ask(release_rotation) == {"released": True}
    assert world.slots.labels().pending is None


def test_let_go_twice_is_let_go(world: MemoryWorld) -> None:
    run = Run(world).to_end()
    assert run.ask(release_rotation) == {"released": True}


def test_who_claims_right_after_is_not_in_the_way(world: MemoryWorld) -> None:
    run = Run(world).to_release()
    world.alive = set()

    def claim() -> None:
        world.journal.after_each_write = lambda: None
        Run(world, "next").to_claim()

    world.journal.after_each_write = claim
    assert run.ask(release_rotation) == {"released": True}
    assert world.pending.tag


def test_anothers_intent_is_left_alone(world: MemoryWorld, run: Run) -> None:
    rival = Run(world, "rival").to_claim()
    with refused(world, RotationSuperseded, "AWSPENDING"):
        run.ask(release_rotation)
    assert world.slots.labels().pending == rival.claim


def test_a_store_that_does_not_answer_decides_nothing(world: MemoryWorld, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> bool:
        raise SecretStoreUnavailable("slots could not be described")

    monkeypatch.setattr(world.slots, "swap", away)
    with refused(world, SecretStoreUnavailable):
        run.ask(close_flip)
    assert world.slots.labels().current == "v0"
