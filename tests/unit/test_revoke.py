"""Mode revoke: two ordinary rotations that wait for nobody but the application, and end who is left."""

import pytest
from rotation.core.errors import NotAnnounced, NotOnSlots, RotationAlreadyRunning, RotationSuperseded, SlotInUse, SourceRefused
from rotation.core.model import PENDING, Mode, Slot
from rotation.core.record import AdminRecord
from rotation.steps.announce_incident import announce_incident
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.release_rotation import release_rotation
from rotation.steps.rotate_admin import rotate_admin

from tests.worlds.journal import Crash
from tests.worlds.run import Run, arn, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, FORMER, FORMER_PASSWORD, RING, USERS, MemoryWorld, credential, login

A = USERS[Slot.A]


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def revocation(world: MemoryWorld, name: str = "revoke-1") -> Run:
    return Run(world, name, Mode.REVOKE)


def intrude(world: MemoryWorld, slot: Slot = Slot.A) -> None:
    """Somebody works with the stolen credential, and goes on logging in."""
    world.account(slot).sessions = 2
    world.account(slot).logins += 1


def test_after_two_rounds_nothing_that_was_known_before_opens_anything(world: MemoryWorld) -> None:
    rounds(world)
    known = [*(login(slot) for slot in RING), credential(ADMIN, ADMIN_PASSWORD)]
    assert not [one.username for one in known if world.accepts(one)]
    assert world.accepts(world.current.credential(world.current.active))
    assert world.accepts(world.current_admin.credential)


def test_an_intruder_who_stays_holds_up_a_rotation_and_not_a_revocation(world: MemoryWorld) -> None:
    rotation = Run(world).to_drain()
    rotation.check_drained()
    world.clock += world.target.quiet_seconds
    intrude(world)
    assert rotation.check_drained()["status"] == "waiting"

    other = MemoryWorld()
    run = revocation(other).to_drain()
    run.check_drained()
    other.clock += other.target.quiet_seconds
    intrude(other)
    assert run.check_drained()["status"] == "drained"


def test_the_application_itself_is_waited_for(world: MemoryWorld) -> None:
    run = revocation(world).to_drain()
    world.pods.begin()
    run.check_drained()
    world.clock += world.target.quiet_seconds * 2
    assert run.check_drained()["status"] == "waiting"
    world.pods.finish()
    run.check_drained()
    world.clock += world.target.quiet_seconds
    assert run.check_drained()["status"] == "drained"


def test_a_consumer_that_is_put_back_is_put_right_before_anything_is_retired(world: MemoryWorld) -> None:
    run = revocation(world).to_drain()
    world.secret.holds(login(Slot.A))
    assert run.check_drained()["status"] == "republish"


def test_sessions_end_once_their_password_is_refused(world: MemoryWorld) -> None:
    run = revocation(world).to_old_slot()
    intrude(world)
    run.rotate_old_slot()
    assert world.account(Slot.A).sessions == 2
    run.drain()
    run.ask(discard_old_password)
    writes = world.journal.writes
    assert writes.index(f"discard {A}") < writes.index("end sessions") == len(writes) - 1
    assert world.account(Slot.A).sessions == 0


def test_a_rotation_ends_no_session(world: MemoryWorld) -> None:
    run = Run(world).to_discard()
    intrude(world)
    with refused(world, SlotInUse):
        run.ask(discard_old_password)
    assert "end sessions" not in world.journal.writes


def test_sessions_of_the_admin_end_too(world: MemoryWorld) -> None:
    run = revocation(world).to_admin()
    world.source.accounts[ADMIN].sessions = 1
    run.ask(rotate_admin)
    assert world.source.accounts[ADMIN].sessions == 0


def test_a_session_that_began_after_the_list_was_made_is_left_alone(world: MemoryWorld) -> None:
    """A call that comes late ends nobody who has logged in with the next password."""
    run = revocation(world).to_discard()
    world.journal.meanwhile("end sessions", lambda: setattr(world.account(Slot.A), "sessions", 1))
    run.ask(discard_old_password)
    assert world.account(Slot.A).sessions == 1


def test_whoever_lost_the_rotation_ends_no_session(world: MemoryWorld) -> None:
    run = revocation(world).to_discard()
    intrude(world)
    held = world.slots.labels().pending
    world.journal.meanwhile(f"sessions of {A}", lambda: world.slots.swap(PENDING, to=None, removed_from=held))
    with refused(world, RotationSuperseded):
        run.ask(discard_old_password)
    assert world.account(Slot.A).sessions == 2


def test_a_living_rotation_is_taken_over_and_stops_at_its_next_act(world: MemoryWorld) -> None:
    living = Run(world, "living").to_publish()
    world.alive = {arn("living")}
    with refused(world, RotationAlreadyRunning):
        Run(world, "another").read_slots()
    revocation(world).to_claim()
    with refused(world, RotationSuperseded):
        living.publish()


def test_the_second_round_is_not_taken_for_a_schedule_delivered_twice(world: MemoryWorld) -> None:
    revocation(world).to_end()
    assert revocation(world).read_slots()["action"] == "publish"


def test_no_overlap_is_waited_for(world: MemoryWorld) -> None:
    object.__setattr__(world.target, "overlap_seconds", 7200)
    assert Run(world).read_slots()["overlap_seconds"] == 7200
    assert revocation(world).read_slots()["overlap_seconds"] == 0


def test_people_are_told_what_why_and_by_whom(world: MemoryWorld) -> None:
    revocation(world).ask(announce_incident, reason="a laptop was stolen", started_by="oncall")
    ((subject, text),) = world.announced
    assert "INCIDENT" in subject
    for word in ("openemr", "a laptop was stolen", "oncall", arn("revoke-1"), "Revoked"):
        assert word in text
    assert not [password for password in world.passwords if password in text]


def test_who_gave_no_reason_is_quoted_as_having_given_none(world: MemoryWorld) -> None:
    revocation(world).ask(announce_incident, reason="", started_by="")
    assert world.announced[0][1].count("not given") == 2


def test_a_topic_that_takes_nothing_is_named(world: MemoryWorld) -> None:
    def fail(_subject: str, _text: str) -> None:
        raise NotAnnounced("the topic did not take the message")

    world.announce = fail  # type: ignore[method-assign]
    with refused(world, NotAnnounced):
        revocation(world).ask(announce_incident, reason="", started_by="")


# What a stolen credential must not outlive


def rounds(world: MemoryWorld, **more: object) -> None:
    """Both, in one execution."""
    for number in (1, 2):
        run = revocation(world)
        run.event |= {"round": number, **more}
        run.to_end()


def test_the_admin_is_new_also_where_the_rotation_s_id_is_that_of_an_earlier_one(world: MemoryWorld) -> None:
    Run(world, "2026-01-05").to_end()
    stolen = world.current_admin.credential
    rounds(world, scheduled_time="2026-01-05")
    assert not world.accepts(stolen)


def test_a_password_of_the_admin_that_was_on_its_way_before_is_not_kept(world: MemoryWorld) -> None:
    run = Run(world, "dead").to_admin()
    world.journal.crash(2, done=True)
    with pytest.raises(Crash):
        run.ask(rotate_admin)
    held = world.admin.labels().pending
    assert held
    stolen = AdminRecord.parse(world.admin.read(held), "admin").credential
    world.slots.swap(PENDING, to=None, removed_from=world.slots.labels().pending)
    rounds(world)
    assert not world.accepts(stolen)


def test_what_an_intruder_set_while_the_admin_was_renewed_does_not_outlive_the_second_round(world: MemoryWorld) -> None:
    def alter() -> None:
        account = world.source.accounts[ADMIN]
        account.old, account.password = account.password, "canary-of-an-intruder"

    run = revocation(world).to_admin()
    world.journal.meanwhile(f"sessions of {ADMIN}", alter)
    run.ask(rotate_admin)
    run.ask(release_rotation)
    second = revocation(world)
    second.event["round"] = 2
    second.to_end()
    assert not world.accepts(credential(ADMIN, "canary-of-an-intruder"))


def test_an_intruder_who_changes_the_standby_s_password_and_stays_holds_up_a_rotation_only(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-of-an-intruder"
    world.account(Slot.B).sessions = 1
    with refused(world, SlotInUse):
        Run(world).to_publish()
    world.alive = set()
    rounds(world)
    assert not world.accepts(credential(USERS[Slot.B], "canary-of-an-intruder"))


def test_a_user_that_is_neither_slot_is_for_a_person_to_lock(world: MemoryWorld) -> None:
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    with refused(world, NotOnSlots, f"lock {FORMER}"):
        revocation(world).read_slots()


def test_an_interrupted_first_rotation_is_finished_first(world: MemoryWorld) -> None:
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    Run(world).to_flip()
    with refused(world, NotOnSlots, f"lock {FORMER}"):
        revocation(world).read_slots()


def test_sessions_that_could_not_be_ended_leave_what_is_current_right(world: MemoryWorld) -> None:
    run = revocation(world).to_discard()

    def refuse(*_: object) -> None:
        raise SourceRefused("refused a statement (MySQL error 1095)")

    end, world.source.end_sessions = world.source.end_sessions, refuse  # type: ignore[method-assign]
    with refused(world, SourceRefused):
        run.ask(discard_old_password)
    assert world.accepts(world.current.credential(Slot.A)), "what AWSCURRENT says of the standby"
    intrude(world)
    world.source.end_sessions = end  # type: ignore[method-assign]
    run.ask(discard_old_password)
    assert world.account(Slot.A).sessions == 0


def test_one_that_looks_again_does_not_take_what_it_had_put_at_first() -> None:
    """It meant to rotate, and died before it claimed; then there was somebody else's intent to finish, from the same version."""
    world = MemoryWorld()
    revoke, sync = Run(world, "revoke", Mode.REVOKE), Run(world, "sync", Mode.SYNC_USERS)
    assert revoke.read_slots()["slot"] == Slot.B
    world.journal.crash(1, done=False)
    with pytest.raises(Crash):
        revoke.claim_rotation()
    sync.to_claim()
    assert revoke.read_slots()["slot"] == Slot.A
    revoke.claim_rotation()
    assert world.pending.active is Slot.A
