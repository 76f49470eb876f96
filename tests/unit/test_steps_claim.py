"""ReadSlots looks and writes nothing; ClaimRotation writes the intent ahead and takes AWSPENDING from where ReadSlots saw it."""

import json
from collections.abc import Callable

import pytest
from rotation.core.errors import (
    LoginRefused,
    RolloutPaused,
    RotationAlreadyRunning,
    RotationSuperseded,
    SecretInvalid,
    SituationChanged,
    SourceUnreachable,
    WorkloadUnfit,
)
from rotation.core.model import CURRENT, STAGING, Mode, Password, RotationStep, SecretText, Slot
from rotation.core.rollout import Unfit
from rotation.core.situation import Action
from rotation.protocol.intents import ATTEMPTS
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.flip_slot import flip_slot

from tests.worlds.run import Run, arn, refused
from tests.worlds.world import (
    ADMIN,
    ADMIN_PASSWORD,
    FORMER,
    FORMER_PASSWORD,
    PASSWORDS,
    RING,
    USERS,
    MemoryWorld,
    credential,
    fields,
    login,
)


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def stopped(world: MemoryWorld, come: Callable[[Run], object], name: str = "dead") -> Run:
    """A run that came that far and is no more."""
    run = Run(world, name)
    come(run)
    return run


CONSUMERS = [
    {"index": 0, "kind": "sqlconf", "state": "WriteSqlconf", "settles": False},
    {"index": 1, "kind": "secret", "state": "PatchSecret", "settles": False},
    {"index": 2, "kind": "deployment", "state": "RestartApp", "settles": False},
]


# ReadSlots


def test_reading_says_what_the_machine_needs_and_writes_nothing(world: MemoryWorld) -> None:
    found = Run(world).read_slots()
    assert found == {
        "action": Action.PUBLISH,
        "slot": "B",
        "old_slot": "A",
        "entry": "B",
        "keeps_intent": False,
        "rotation_id": "run-1",
        "reason": "rotate to the standby",
        "labels": {"current": "v0", "pending": None},
        "consumers": CONSUMERS,
        "keepers": [],
        "admin_drifted": False,
        "has_keepers": False,
        "copies": [],
        "has_copies": False,
        "rounds": 2,
        "proof": "The old password is refused",
        "overlap_seconds": 0,
        "plan": [],
    }
    assert world.journal.writes == []
    json.dumps(found)


@pytest.mark.parametrize("come", [lambda _: None, Run.to_claim, Run.to_discard, Run.to_release], ids=["idle", "1", "2", "3"])
def test_a_dry_run_plans_whatever_it_finds_and_writes_nothing(world: MemoryWorld, come: Callable[[Run], object]) -> None:
    stopped(world, come)
    before, versions = list(world.journal.writes), json.dumps(world.slots.versions)
    found = Run(world, "dry", Mode.DRY_RUN).read_slots()
    assert found["plan"]
    assert (world.journal.writes, json.dumps(world.slots.versions)) == (before, versions)
    assert not [password for password in world.passwords if password in json.dumps(found)]


def test_a_paused_deployment_is_refused_before_anything_is_looked_at(world: MemoryWorld) -> None:
    world.pods.paused = True
    with refused(world, RolloutPaused, "kubectl rollout resume"):
        Run(world).read_slots()
    assert world.source.accounts[ADMIN].logins == 0


@pytest.mark.parametrize("mode", [Mode.ROTATE, Mode.DRY_RUN])
def test_a_workload_whose_pods_nobody_would_replace_is_refused_before_anything_is_looked_at(world: MemoryWorld, mode: Mode) -> None:
    world.pods.unfit = Unfit("has the partition 2", "set it to 0")
    with refused(world, WorkloadUnfit, "Deployment openemr/openemr has the partition 2: set it to 0"):
        Run(world, mode=mode).read_slots()
    assert (world.source.accounts[ADMIN].logins, world.pods.restarts) == (0, 0)


def test_the_scheduled_time_is_the_rotations_id(world: MemoryWorld) -> None:
    run = Run(world)
    run.event["scheduled_time"] = "2026-01-01T00:00:00Z"
    assert run.read_slots()["rotation_id"] == "2026-01-01T00:00:00Z"


def test_a_second_delivery_of_a_finished_rotation_does_nothing(world: MemoryWorld) -> None:
    Run(world).to_end()
    assert Run(world).read_slots()["action"] == Action.ALREADY_ROTATED


def test_no_password_is_tried_twice_in_one_survey(world: MemoryWorld) -> None:
    """Failed logins can lock an account."""
    world.file.holds(credential(USERS[Slot.A], "a wrong one"))
    world.secret.holds(credential(USERS[Slot.A], "a wrong one"))
    Run(world).read_slots()
    assert world.account(Slot.A).logins == 2, "the wrong one and the recorded one, each once"


def test_the_database_away_is_not_a_wrong_password(world: MemoryWorld) -> None:
    world.source.reachable = False
    with refused(world, SourceUnreachable):
        Run(world).read_slots()


def test_a_living_owner_is_left_alone(world: MemoryWorld) -> None:
    stopped(world, Run.to_claim, "other")
    world.alive = {arn("other")}
    world.clock += 17
    with refused(world, RotationAlreadyRunning, arn("other")):
        Run(world).read_slots()
    assert world.asked_about == (arn("other"), 17)


def test_who_holds_the_intent_itself_is_not_asked_about(world: MemoryWorld) -> None:
    """A redrive is the same execution, and running."""
    world.alive = {arn("run-1")}
    stopped(world, Run.to_claim, "run-1")
    assert Run(world).read_slots()["action"] == Action.PUBLISH


def test_sessions_are_looked_at_only_where_they_matter(world: MemoryWorld) -> None:
    def look() -> None:
        pytest.fail("nobody asked how busy they are")

    for slot in RING:
        world.journal.meanwhile(f"activity {USERS[slot]}", look)
    Run(world).read_slots()


def test_a_first_rotation_leaves_the_slot_alone_that_another_consumer_uses(world: MemoryWorld) -> None:
    world.file.holds(credential(FORMER, FORMER_PASSWORD))
    assert Run(world).read_slots()["slot"] == "B", "the Secret is on A"


def test_of_two_passwords_that_work_the_one_in_sqlconf_is_recorded(world: MemoryWorld) -> None:
    """It is the one that the traffic uses; the other is retained beside it."""
    world.account(Slot.A).old = "canary-in-sqlconf"
    world.file.holds(credential(USERS[Slot.A], "canary-in-sqlconf"))
    Run(world).to_claim()
    assert world.pending.credential(Slot.A) == world.file.held


def test_of_two_passwords_that_work_the_recorded_one_is_kept_where_only_the_secret_has_the_other(world: MemoryWorld) -> None:
    world.account(Slot.B).old = "canary-in-the-secret"
    world.secret.holds(credential(USERS[Slot.B], "canary-in-the-secret"))
    Run(world).to_claim()
    assert world.pending.credential(Slot.B).same_login(login(Slot.B))


def test_a_password_that_only_the_secret_knows_is_recorded(world: MemoryWorld) -> None:
    world.account(Slot.B).password = "canary-in-the-secret"
    world.secret.holds(credential(USERS[Slot.B], "canary-in-the-secret"))
    Run(world).to_claim()
    assert world.pending.credential(Slot.B).password == Password("canary-in-the-secret")


def test_a_first_rotation_looks_at_sessions_and_takes_the_free_slot(world: MemoryWorld) -> None:
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    world.account(Slot.A).sessions = 1
    assert Run(world).read_slots()["slot"] == "B"


def test_another_consumer_is_taken_for_what_the_traffic_uses_only_where_it_is_first(world: MemoryWorld) -> None:
    """sqlconf.php moves the traffic; the Secret may be behind."""
    world.secret.holds(login(Slot.B))
    assert Run(world).read_slots()["reason"] == "rotate to the standby"


def test_a_previous_version_that_cannot_be_read_is_no_reason_to_refuse(world: MemoryWorld) -> None:
    world.slots.put("broken", SecretText("not JSON"), [CURRENT])
    world.slots.put("mended", world.slots.read("v0"), [CURRENT])
    assert world.slots.labels().previous == "broken"
    assert Run(world).read_slots()["action"] == Action.PUBLISH


def test_a_previous_version_is_a_source_of_passwords(world: MemoryWorld) -> None:
    """A person put a password for the standby that the database never got."""
    world.slots.put("edit", world.current.with_password(Slot.B, Password("never in the database")).text(), [CURRENT])
    run = Run(world).to_claim()
    assert world.pending.credential(Slot.B).same_login(login(Slot.B))
    assert run.event["situation"]["slot"] == "B"


def test_a_broken_secret_is_refused_by_its_field(world: MemoryWorld) -> None:
    world.slots.put("edit", SecretText(json.dumps({"active_slot": "C"})), [CURRENT])
    with refused(world, SecretInvalid, "active_slot is neither A nor B"):
        Run(world).read_slots()


# ClaimRotation


def test_a_claim_is_written_ahead_and_held(world: MemoryWorld) -> None:
    run = Run(world).to_claim()
    assert world.slots.labels().pending == run.claim
    tag = world.pending.tag
    assert tag
    assert (tag.id, tag.owner, tag.step, tag.made_from) == ("run-1", arn("run-1"), RotationStep.FLIP, "v0")
    assert world.pending.active is Slot.B
    assert world.current.active is Slot.A
    assert world.journal.writes == ["put slots", "swap AWSPENDING of slots"]
    assert run.event["claim"] == {"version": run.claim, "own_logins": 0}


def test_asked_again_it_returns_the_claim_it_has(world: MemoryWorld) -> None:
    run = Run(world).to_claim()
    first, writes = run.claim, list(world.journal.writes)
    assert run.claim_rotation()["version"] == first
    assert world.journal.writes == writes


def test_asked_again_after_a_death_before_the_swap_it_uses_the_password_that_it_stored() -> None:
    """A new one would be a second password."""
    world = first_rotation_without_users()
    run = Run(world)
    run.read_slots()
    for done in (True, False):
        world.journal.crash(0, done=done)
        with pytest.raises(Exception, match="slots"):
            run.claim_rotation()
    [stored] = [version for version in world.slots.versions if version != "v0"]
    assert run.claim_rotation()["version"] == stored
    assert world.journal.writes == ["put slots", "swap AWSPENDING of slots"]


def first_rotation_without_users() -> MemoryWorld:
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    return world


def test_a_first_rotation_records_what_it_found_and_a_new_password() -> None:
    world = first_rotation_without_users()
    Run(world).to_claim()
    assert world.pending.previous == credential(FORMER, FORMER_PASSWORD)
    assert world.pending.credential(Slot.A).password.reveal() not in {*PASSWORDS.values(), FORMER_PASSWORD}
    assert world.pending.credential(Slot.B).same_login(login(Slot.B))


def test_drift_is_adopted_into_the_record(world: MemoryWorld) -> None:
    world.account(Slot.A).password = "drifted"
    world.file.holds(credential(USERS[Slot.A], "drifted"))
    Run(world).to_claim()
    assert world.pending.credential(Slot.A).same_login(world.file.held)


ADOPTED: dict[str, tuple[Callable[[Run], object], str, RotationStep]] = {
    "before the flip": (Run.to_flip, "publish", RotationStep.FLIP),
    "after the flip": (Run.to_drain, "retire", RotationStep.FLIP),
    "altered": (Run.to_discard, "retire", RotationStep.RETIRE),
    "discarded": (Run.to_admin, "retire", RotationStep.RETIRE),
}


@pytest.mark.parametrize(("come", "action", "step"), ADOPTED.values(), ids=ADOPTED)
def test_a_dead_owners_intent_is_adopted_with_its_passwords(
    world: MemoryWorld, come: Callable[[Run], object], action: str, step: RotationStep
) -> None:
    dead = stopped(world, come)
    was = world.pending
    run = Run(world).to_claim()
    assert run.event["situation"]["action"] == action
    assert run.claim != dead.claim
    assert world.pending.same_content(was)
    tag = world.pending.tag
    assert tag
    assert (tag.id, tag.owner, tag.step, tag.made_from) == ("dead", arn("run-1"), step, world.slots.labels().current)


def test_the_dead_run_can_do_nothing_any_more(world: MemoryWorld) -> None:
    dead = stopped(world, Run.to_flip)
    Run(world).to_claim()
    writes = list(world.journal.writes)
    for step in (flip_slot, discard_old_password):
        with refused(world, RotationSuperseded, "AWSPENDING"):
            dead.ask(step)
    assert world.journal.writes == writes


def test_of_two_starts_at_once_one_rotates(world: MemoryWorld) -> None:
    one, other = Run(world, "one"), Run(world, "other")
    one.read_slots()
    other.read_slots()
    world.alive = {arn("one"), arn("other")}
    one.claim_rotation()
    with refused(world, RotationAlreadyRunning, arn("one")):
        other.claim_rotation()
    assert world.slots.labels().pending == one.claim


def test_claimed_at_the_same_moment_one_rotates(world: MemoryWorld) -> None:
    one, other = Run(world, "one"), Run(world, "other")
    one.read_slots()
    other.read_slots()
    world.journal.meanwhile("swap AWSPENDING of slots", one.claim_rotation)
    with refused(world, RotationAlreadyRunning, "same moment"):
        other.claim_rotation()
    assert world.slots.labels().pending == one.claim


def test_another_run_that_claims_while_this_one_looks_is_named(world: MemoryWorld) -> None:
    """This one has seen a part from before that claim and a part from after it."""
    one, other = Run(world, "one"), Run(world, "other")
    other.read_slots()
    world.journal.meanwhile("read sqlconf.php", one.to_flip)
    with refused(world, RotationAlreadyRunning, "while this one looked"):
        other.claim_rotation()
    assert world.slots.labels().pending == one.claim


CHANGES: dict[str, Callable[[MemoryWorld], object]] = {
    "a person put a secret": lambda world: world.slots.put("edit", world.current.text(), [CURRENT]),
    "a person moved the application": lambda world: world.application_uses(login(Slot.B)),
    "another run came and died": lambda world: stopped(world, Run.to_claim, "other"),
    "the application stopped working": lambda world: setattr(world.account(Slot.A), "password", "canary-changed"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_no_longer_as_it_was_read_is_not_claimed(world: MemoryWorld, change: Callable[[MemoryWorld], object]) -> None:
    run = Run(world)
    run.read_slots()
    change(world)
    labels, writes = world.slots.labels(), list(world.journal.writes)
    with refused(world, SituationChanged, "changed after ReadSlots"):
        run.claim_rotation()
    assert (world.slots.labels(), world.journal.writes) == (labels, writes)


def test_a_stale_intent_gives_its_label_to_a_new_one_and_its_password_is_still_tried(world: MemoryWorld) -> None:
    """A person wrote the secret during a retirement; the database has the intent's password."""
    stopped(world, Run.to_discard)
    altered = world.pending.credential(Slot.A)
    world.account(Slot.A).old = None
    world.slots.put("edit", world.current.without_tag().with_password(Slot.A, Password("theirs")).text(), [CURRENT])
    run = Run(world).to_claim()
    assert run.event["situation"]["action"] == "publish"
    assert world.pending.credential(Slot.A) == altered
    assert world.pending.tag
    assert world.pending.tag.made_from == "edit"


def test_a_new_version_is_under_no_label_until_it_is_claimed(world: MemoryWorld) -> None:
    world.journal.crash(0, done=True)
    with pytest.raises(Exception, match="put slots"):
        Run(world).to_claim()
    [stages] = [version["version_stages"] for name, version in world.slots.versions.items() if name != "v0"]
    assert stages == [STAGING]


# The other modes


def test_resume_of_an_idle_world_has_nothing_to_do(world: MemoryWorld) -> None:
    assert Run(world, "r", Mode.RESUME).read_slots()["action"] == Action.NOTHING


def test_resume_refuses_to_publish_what_does_not_log_in(world: MemoryWorld) -> None:
    world.application_uses(login(Slot.B))
    world.account(Slot.A).password = "changed by somebody"
    with refused(world, LoginRefused, "sync-users"):
        Run(world, "r", Mode.RESUME).read_slots()


def test_resume_claims_what_it_is_to_put_back(world: MemoryWorld) -> None:
    world.application_uses(login(Slot.B))
    run = Run(world, "r", Mode.RESUME).to_claim()
    assert (run.event["situation"]["action"], run.event["entry"]) == (Action.RESTORE, "A")
    assert world.pending.active is Slot.A


def test_a_world_without_the_admins_secret_fields_is_refused(world: MemoryWorld) -> None:
    broken = {key: value for key, value in fields(credential(ADMIN, ADMIN_PASSWORD)).items() if key != "host"}
    world.admin.put("edit", SecretText(json.dumps(broken)), [CURRENT])
    with refused(world, SecretInvalid, "host"):
        Run(world).read_slots()


# What was put before the function died, and what is decided when it is asked again


def died_after_the_put(world: MemoryWorld, mode: Mode = Mode.ROTATE) -> Run:
    run = Run(world, mode=mode)
    run.read_slots()
    world.journal.crash(0, done=True)
    with pytest.raises(Exception, match="put slots"):
        run.claim_rotation()
    return run


def change_password(world: MemoryWorld, password: str) -> None:
    """A person gives the user in use another one, everywhere but in the record."""
    world.account(Slot.A).password = password
    world.application_uses(credential(USERS[Slot.A], password))


def test_a_password_that_was_changed_after_the_put_is_the_one_that_is_recorded(world: MemoryWorld) -> None:
    """ReadSlots' decision is the same: what it shows names no password."""
    change_password(world, "canary-drifted")
    run = died_after_the_put(world)
    change_password(world, "canary-drifted-again")
    run.claim_rotation()
    assert world.pending.credential(Slot.A).same_login(world.file.held)
    assert run.claim_rotation()["version"] == run.claim == world.slots.labels().pending, "and asked again it finds that"


def test_a_revocation_that_looks_again_and_decides_otherwise_claims_what_it_decided_last(world: MemoryWorld) -> None:
    """At first B does not log in, so it is to go to A; then somebody edits sqlconf.php, and the retirement of A is carried on. The
    labels are the same, so the version's id is too: under it is what was put at first."""
    stopped(world, Run.to_drain)
    world.account(Slot.B).password = "canary-changed"
    run = died_after_the_put(world, Mode.REVOKE)
    world.application_uses(credential(USERS[Slot.B], "canary-changed"))
    with refused(world, SituationChanged, "changed after ReadSlots"):
        run.claim_rotation()
    first, again = run.event["situation"], run.read_slots()
    assert (first["labels"], first["slot"], again["slot"]) == (again["labels"], "A", "B")
    run.claim_rotation()
    assert world.pending.active == again["slot"]
    assert world.pending.credential(Slot.B).same_login(world.file.held)


def test_a_retirement_that_is_carried_on_records_what_works_now_and_goes_on_with_its_next_password(world: MemoryWorld) -> None:
    stopped(world, Run.to_drain)
    run = died_after_the_put(world)
    world.account(Slot.B).password = "canary-drifted"
    world.application_uses(credential(USERS[Slot.B], "canary-drifted"))
    run.claim_rotation()
    assert world.pending.credential(Slot.B).same_login(world.file.held)
    run.drain()
    run.rotate_old_slot()
    assert world.pending.credential(Slot.B).same_login(world.file.held)


def test_who_changes_it_at_every_try_is_refused_in_the_end(world: MemoryWorld) -> None:
    change_password(world, "canary-drifted")
    run = died_after_the_put(world)
    for number in range(1, ATTEMPTS):
        change_password(world, f"canary-drifted-{number}")
        world.journal.crash(0, done=True)
        with pytest.raises(Exception, match="put slots"):
            run.claim_rotation()
    change_password(world, "canary-drifted-once-more")
    with refused(world, SituationChanged, "again and again"):
        run.claim_rotation()


def test_a_stored_password_that_stopped_working_is_not_taken_for_a_new_one() -> None:
    """A first rotation to a user that logged in at first: its password was kept, and somebody changes it before the second try."""
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    run = died_after_the_put(world)
    world.account(Slot.A).password = "canary-changed"
    run.claim_rotation()
    assert not world.pending.credential(Slot.A).same_login(login(Slot.A))


def test_an_admin_that_drifts_again_after_the_put_is_recorded_as_it_is_now(world: MemoryWorld) -> None:
    def drift(password: str) -> None:
        world.source.accounts[ADMIN].password = password
        world.secret.holds(credential(ADMIN, password))

    drift("canary-drifted")
    run = Run(world)
    run.read_slots()
    world.journal.crash(2, done=True)
    with pytest.raises(Exception, match="put admin"):
        run.claim_rotation()
    drift("canary-drifted-again")
    run.claim_rotation()
    assert world.accepts(world.current_admin.credential)
