"""What a hostile reading of the protocol found, each with the trace that showed it."""

import json
from dataclasses import replace

import pytest
from rotation.consumers.sqlconf.text import read
from rotation.core.errors import ConsumerDiffers, LoginRefused, NoFreeSlot, SecretInvalid, SqlconfUnsupported, TransientError
from rotation.core.model import Direction, Mode, SecretText, Slot
from rotation.steps.publish import publish
from rotation.steps.release_rotation import release_rotation
from rotation.steps.restart_app import restart_app
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.sync_users import sync_users
from rotation.steps.validate_app import validate_app

from local import secret_labels as aws
from tests.faults.crowd.schedules import find
from tests.worlds.invocation import known_passwords
from tests.worlds.run import Run, refused
from tests.worlds.workloads import PATH, SECRET, PodsWorld
from tests.worlds.workloads import PODS as RESTARTED
from tests.worlds.world import (
    ADMIN,
    ADMIN_PASSWORD,
    FORMER,
    FORMER_PASSWORD,
    PODS,
    RING,
    SQLCONF,
    USERS,
    MemoryWorld,
    credential,
    fields,
    login,
)


def test_a_way_back_never_publishes_a_password_that_does_not_log_in() -> None:
    """The secret says A, the application works on B (a manual flip), and A's password was changed outside."""
    world = MemoryWorld()
    world.application_uses(login(Slot.B))
    world.source.accounts[USERS[Slot.A]].password = "changed-outside"
    run = Run(world).to_publish()
    run.close_flip()
    with refused(world, LoginRefused, "not published"):
        run.ask(publish, consumer={"index": SQLCONF})
    assert world.file.held.same_login(login(Slot.B))


@pytest.mark.parametrize("late", [True, False])
def test_a_page_that_speaks_for_the_old_login_is_not_believed(late: bool) -> None:
    """A stopped run's write of the Secret comes between ours and the restart: the new pods have the old login, and all is well with
    them. The flip would be made, and the drain would publish a login that nobody has seen at work."""
    world = PodsWorld()
    run = Run(world).to_publish()
    for place in (PATH, SECRET):
        run.ask(publish, consumer={"index": place})
    if late:
        world.secret.holds(login(Slot.A))
    run.ask(restart_app, consumer={"index": RESTARTED})
    if late:
        with refused(world, ConsumerDiffers, "does not hold the credential of"):
            run.ask(validate_app)
    else:
        assert run.ask(validate_app) == {"user": USERS[Slot.B]}


def test_a_slot_whose_user_is_the_admin_is_refused() -> None:
    """Its retirement would give the admin a password that only the slot secret knows."""
    world = MemoryWorld()
    raw = json.loads(world.slots.read("v0").reveal())
    raw["A"] = fields(credential(ADMIN, ADMIN_PASSWORD))
    world.slots.put("edit", SecretText(json.dumps(raw)))
    world.application_uses(credential(ADMIN, ADMIN_PASSWORD))
    with refused(world, SecretInvalid, "is the database admin"):
        Run(world).read_slots()


@pytest.mark.parametrize("line", ["$sqlconf = 'hunter2';", "connect($sqlconf, 'hunter2');", "$sqlconf['hunter2'] .= 1;"])
def test_a_refused_sqlconf_is_not_quoted(line: str) -> None:
    file = f"<?php\n$host = 'h'; $port = '1'; $login = 'l'; $pass = 'p'; $dbase = 'd';\n{line}\n"
    with pytest.raises(SqlconfUnsupported, match="line 3") as refusal:
        read(file.encode())
    assert "hunter2" not in str(refusal.value)


def test_a_password_that_sync_users_learnt_is_current_before_it_lets_go() -> None:
    """Drift: the application works on a password that the secret does not know."""
    world = MemoryWorld()
    drifted = credential(USERS[Slot.A], "drifted")
    world.source.accounts[USERS[Slot.A]].password = "drifted"
    world.application_uses(drifted)
    run = Run(world, mode=Mode.SYNC_USERS).to_claim()
    run.ask(sync_users)
    run.ask(release_rotation)
    assert world.current.credential(Slot.A).same_login(drifted)
    assert world.slots.labels().pending is None


def test_a_second_publish_of_one_execution_restarts_the_pods_again() -> None:
    """A run that republishes for an older retirement and then rotates, and one that republishes within its drain."""
    world = MemoryWorld()
    run = Run(world).to_publish()
    on_pods = {"consumer": {"index": PODS}}
    run.ask(restart_app, **on_pods)
    run.ask(restart_app, **on_pods)
    assert world.pods.restarts == 1, "repeated it is the same restart"
    again = {"began": 0, "status": "republish", "quiet_since": None, "logins": 0, "wait_seconds": 1, "republished": 1}
    run.ask(restart_app, **on_pods, drain=again)
    run.ask(restart_app, **on_pods, direction=str(Direction.RESTORE))
    assert world.pods.restarts == 3


def test_a_label_that_somebody_left_on_the_admins_current_version_does_not_stand_for_a_rotation() -> None:
    world = MemoryWorld()
    run = Run(world).to_admin()
    aws.attach(world.admin.versions, "AWSPENDING", "v0")
    run.ask(rotate_admin)
    assert not world.source.accounts[ADMIN].accepts(ADMIN_PASSWORD)
    assert world.admin.labels().pending is None


def test_an_admin_secret_that_a_person_put_again_does_not_stop_every_later_run() -> None:
    """The admin was swapped, the run died before it let go, and the same JSON was put again with a note."""
    world = MemoryWorld()
    run = Run(world).to_admin()
    run.ask(rotate_admin)
    again = json.loads(world.admin.read(world.admin.labels().current).reveal())
    aws.attach(world.admin.versions, "AWSPENDING", world.admin.labels().current)
    world.admin.put("again", SecretText(json.dumps({**again, "note": "terraform"})))
    Run(world, "heir").to_claim().ask(rotate_admin)
    assert world.accepts(world.current_admin.credential)
    assert not world.source.accounts[ADMIN].accepts(again["password"])
    assert world.admin.labels().pending is None


def test_what_was_recorded_last_is_taken_over_what_is_about_to_be_discarded() -> None:
    """A retirement died after ALTER … RETAIN, so both passwords log in; then a person put the secret."""
    world = MemoryWorld()
    run = Run(world).to_old_slot()
    run.rotate_old_slot()
    primary = world.source.accounts[USERS[Slot.A]].password
    world.slots.put("edit", SecretText(json.dumps({**json.loads(world.current.text().reveal()), "note": "a person's"})))
    Run(world, "heir").to_publish()
    pending = world.slots.labels().pending
    assert pending is not None
    assert json.loads(world.slots.read(pending).reveal())["A"]["password"] == primary


def test_sessions_that_are_ending_hold_up_a_first_rotation_only_for_a_while() -> None:
    """A first rotation was rolled back from each slot, one after the other: requests of both still linger."""
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        world.account(slot).sessions = 1
    with refused(world, NoFreeSlot):
        Run(world).read_slots()
    assert issubclass(NoFreeSlot, TransientError), "the machine asks again"
    world.account(Slot.A).sessions = 0
    assert Run(world).read_slots()["slot"] == "A"


# An application that reads its login from a secret goes on with it for a while, unseen


CACHE = 40
"""Longer than the quiet period."""


@pytest.fixture
def caching() -> MemoryWorld:
    world = MemoryWorld()
    world.target = replace(world.target, cache_seconds=CACHE, overlap_seconds=7200)
    return world


@pytest.mark.parametrize("mode", [Mode.ROTATE, Mode.RESUME, Mode.REVOKE])
def test_whoever_carries_a_retirement_on_waits_as_long_as_the_application_may_go_on(caching: MemoryWorld, mode: Mode) -> None:
    """The run before it was stopped right after its flip: nothing says how long it has waited, but the overlap is over."""
    Run(caching).to_drain()
    looked = Run(caching, "run-2", mode).read_slots()
    assert (looked["action"], looked["overlap_seconds"]) == ("retire", CACHE)


def test_the_application_may_go_on_with_what_was_put_right_again(caching: MemoryWorld) -> None:
    """Somebody had put the old credential back: whoever read that has read it just now."""
    run = Run(caching).to_drain()
    caching.file.holds(login(Slot.A))
    drain = run.check_drained()
    assert (drain["status"], drain["wait_seconds"]) == ("republish", CACHE)


@pytest.mark.parametrize(
    ("sort", "number"),
    [("two values", 21), ("two values", 375), ("keys", 587), ("keys", 1211), ("OpenEMR", 95460), ("OpenEMR", 88619)],
    ids=[
        "mode sync-users sets a second password without a look at which is the first",
        "the record is put in the middle, and the application goes back to the password that is the second by then",
        "a copy of a key that its provider still takes in part",
        "the record is put in a retirement, and a revocation goes to the key that was deactivated",
        "mode sync-users makes the slot's password work, while a first rotation is about to make another",
        "the same, while a first rotation that was stopped goes on",
    ],
)
def test_a_schedule_that_broke_something_once(sort: str, number: int) -> None:
    with known_passwords():
        assert find(number, sort) is None
