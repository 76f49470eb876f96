"""A survey finds the admin's login wherever it is, and ClaimRotation records it where nothing current or pending knew it."""

import json

import pytest
from rotation.core.errors import AdminLoginUnknown, RotationSuperseded
from rotation.core.model import CURRENT, PENDING, Password
from rotation.steps.rotate_admin import rotate_admin

from tests.worlds.journal import Crash
from tests.worlds.run import Run, arn, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, FORMER, FORMER_PASSWORD, MemoryWorld, credential


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def alter_admin(world: MemoryWorld, password: str) -> None:
    world.source.accounts[ADMIN].password = password


def test_a_pending_and_a_previous_admin_password_are_tried_too(world: MemoryWorld) -> None:
    other = world.current_admin.with_password(Password("pending one")).text()
    world.admin.put("p", other, [PENDING])
    alter_admin(world, "pending one")
    assert Run(world).read_slots()
    world.admin.put("c", world.current_admin.with_password(Password("nowhere accepted")).text(), [CURRENT])
    alter_admin(world, ADMIN_PASSWORD)
    assert Run(world).read_slots()


def test_no_admin_password_that_logs_in_is_an_error_of_its_own(world: MemoryWorld) -> None:
    alter_admin(world, "changed by somebody")
    with refused(world, AdminLoginUnknown, "admin"):
        Run(world).read_slots()
    assert world.source.accounts[ADMIN].logins == 1, "each known password is tried once"


def test_another_user_in_sqlconf_is_not_taken_for_the_admin(world: MemoryWorld) -> None:
    alter_admin(world, "changed by somebody")
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    with refused(world, AdminLoginUnknown):
        Run(world).read_slots()


def test_a_drifted_admin_password_that_only_a_consumer_knows_is_recorded(world: MemoryWorld) -> None:
    alter_admin(world, "drifted")
    world.secret.holds(credential(ADMIN, "drifted"))
    run = Run(world)
    run.read_slots()
    assert world.journal.writes == []
    run.claim_rotation()
    assert world.current_admin.credential.same_login(credential(ADMIN, "drifted"))
    assert world.current_admin.tag is None
    assert world.journal.writes == ["put slots", "swap AWSPENDING of slots", "put admin", "swap AWSCURRENT of admin"]


def test_an_admin_password_that_is_recorded_already_is_not_recorded_again(world: MemoryWorld) -> None:
    other = world.current_admin.with_password(Password("pending one")).text()
    world.admin.put("p", other, [PENDING])
    alter_admin(world, "pending one")
    before = world.admin.labels()
    Run(world).to_claim()
    assert world.admin.labels() == before


def test_an_admin_secret_that_moved_meanwhile_is_not_overwritten(world: MemoryWorld) -> None:
    alter_admin(world, "drifted")
    world.secret.holds(credential(ADMIN, "drifted"))
    theirs = world.current_admin.with_password(Password("put by a person")).text()
    world.journal.meanwhile("swap AWSCURRENT of admin", lambda: world.admin.put("theirs", theirs, [CURRENT]))
    with refused(world, RotationSuperseded, "admin"):
        Run(world).to_claim()
    assert world.admin.labels().current == "theirs"


@pytest.mark.parametrize("asked_again", [False, True])
def test_a_claim_that_comes_late_leaves_the_admin_to_whoever_claimed_since(world: MemoryWorld, asked_again: bool) -> None:
    """It had taken AWSPENDING, or found it its own; then its execution was stopped, and the next run claimed."""
    alter_admin(world, "drifted")
    world.secret.holds(credential(ADMIN, "drifted"))
    stopped, heir = Run(world, "stopped"), Run(world, "heir")
    stopped.read_slots()
    admin_before = world.admin.labels()

    def claim_meanwhile() -> None:
        heir.read_slots()
        world.journal.crash(2, done=False)
        with pytest.raises(Crash):
            heir.claim_rotation()

    def at_the_next_login() -> None:
        world.journal.meanwhile(f"login {ADMIN}", claim_meanwhile)

    if asked_again:
        world.journal.crash(2, done=False)
        with pytest.raises(Crash):
            stopped.claim_rotation()
        at_the_next_login()
    else:
        world.journal.meanwhile("swap AWSPENDING of slots", at_the_next_login)
    with refused(world, RotationSuperseded, "no longer on version"):
        stopped.claim_rotation()
    assert world.admin.labels() == admin_before


DRIFTED = ["put admin", "swap AWSCURRENT of admin"]
"""What a claim writes after it has claimed, where the admin's password had drifted."""


@pytest.mark.parametrize("write", range(len(DRIFTED)), ids=DRIFTED)
@pytest.mark.parametrize("done", [False, True])
def test_asked_again_after_it_had_claimed_it_still_records_a_drifted_admin(world: MemoryWorld, write: int, done: bool) -> None:
    """Once the consumer is on a slot nobody would know it any more."""
    alter_admin(world, "drifted")
    world.secret.holds(credential(ADMIN, "drifted"))
    run = Run(world)
    run.read_slots()
    world.journal.crash(2 + write, done=done)
    with pytest.raises(Crash):
        run.claim_rotation()
    assert world.slots.labels().pending, "it had claimed"
    run.claim_rotation()
    assert world.current_admin.credential.same_login(credential(ADMIN, "drifted"))
    assert [write for write in world.journal.writes if "admin" in write] == DRIFTED


def test_a_drifted_admin_whose_former_password_logs_in_is_recorded_all_the_while(world: MemoryWorld) -> None:
    """With that only under AWSPREVIOUS, RotateAdmin's swap would take its last label while the server still accepts it."""
    world.admin.put("theirs", world.current_admin.with_password(Password("never set")).text(), [CURRENT])
    admin = world.source.accounts[ADMIN]
    unrecorded: list[str] = []

    def look() -> None:
        accepted = {password for password in (admin.password, admin.old) if password}
        labelled = [one["secret_string"] for one in world.admin.versions.values() if one["version_stages"]]
        unrecorded.extend(accepted - {json.loads(text)["password"] for text in labelled})

    world.journal.after_each_write = look
    run = Run(world).to_claim()
    assert world.current_admin.credential.same_login(credential(ADMIN, ADMIN_PASSWORD))
    for name, state in run.states():
        if name not in ("ReadSlots", "ClaimRotation"):
            state()
    assert unrecorded == []
    assert world.accepts(world.current_admin.credential)
    assert not world.accepts(credential(ADMIN, ADMIN_PASSWORD))


@pytest.mark.parametrize("discarded", [False, True], ids=["discards afterwards", "discarded already"])
def test_what_a_dead_run_made_of_the_admin_between_the_survey_and_the_adoption_is_not_undone(
    world: MemoryWorld, discarded: bool
) -> None:
    """What the survey saw log in is no longer what is current: to make it that again, and then the late DISCARD comes."""
    dead, heir = Run(world, "dead").to_admin(), Run(world, "heir")
    heir.read_slots()

    def act_late() -> None:
        world.journal.crash(5 if discarded else 4, done=False)
        with pytest.raises(Crash):
            dead.ask(rotate_admin)

    world.journal.meanwhile("put slots", act_late)
    heir.claim_rotation()
    admin = world.source.accounts[ADMIN]
    assert world.current_admin.tag
    assert world.current_admin.tag.owner == arn("dead")
    assert world.current_admin.credential.password.reveal() == admin.password
    assert admin.old == (None if discarded else ADMIN_PASSWORD)
    admin.old = None
    assert world.accepts(world.current_admin.credential)
    heir.ask(rotate_admin)
    assert world.accepts(world.current_admin.credential)
    assert world.admin.labels().pending is None
