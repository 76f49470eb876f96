"""The modes besides rotate and dry-run, on the real stack under load."""

from __future__ import annotations

import json
import os
from stat import S_IMODE

import pytest

from local.faults import Fault
from local.follow import Visit, wait_for
from local.mysql import Login
from local.stack import SLOT_SECRET
from tests.e2e.hands import Kubernetes, made_up, move_traffic, output_of, put_slots, set_password, sql, state_of, stop_before
from tests.e2e.rotations import Rotations
from tests.whole import only_in_the_whole, only_with_more, whole

# ---- resume: what the labels say, and no rotation of its own ---------------------------------------------------------


def test_resume_finishes_an_interrupted_flip(rotations: Rotations) -> None:
    active, standby = rotations.logins()
    stop_before(rotations, "FlipSlot")
    run = rotations.run(mode="resume")
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.active == standby
    assert not rotations.accepts(active)
    rotations.assert_at_rest()


@only_in_the_whole
def test_resume_finishes_an_interrupted_retirement_and_rotates_no_further(rotations: Rotations) -> None:
    (active, standby), admin = rotations.logins(), rotations.admin
    stop_before(rotations, "DiscardOldPassword")
    run = rotations.run(mode="resume")
    assert run.outcome == "RotationSucceeded", run.cause
    assert not run.visits_of("Publish"), "nothing was to be published"
    assert rotations.active == standby
    assert [rotations.accepts(login) for login in (active, admin)] == [False, False]
    rotations.assert_at_rest()


@only_with_more
def test_what_a_rotation_left_is_finished_by_the_resume_that_follows_by_itself(rotations: Rotations) -> None:
    """Told of the end as EventBridge does it, twice."""
    admin, stack = rotations.admin, rotations.stack
    stack.aws.fail(Fault(stack.function("RotateAdmin"), error={"errorType": "AccountLocked", "errorMessage": "made up"}))
    run = rotations.run()
    assert run.outcome == "AdminNotRotated", run.cause
    for _ in range(2):
        event = json.dumps({"detail": {"executionArn": run.arn}})
        answer = stack.aws.client("lambda").invoke(FunctionName=stack.function("TellOutcome"), Payload=event)
        assert json.load(answer["Payload"])["told"]
    machine, name = run.arn.rsplit(":", 1)
    finished = wait_for(stack, f"{machine}:resume-{name}")
    assert finished.outcome == "RotationSucceeded", finished.cause
    assert not rotations.accepts(admin)
    rotations.assert_at_rest()


@only_with_more
def test_resume_has_nothing_to_do(rotations: Rotations) -> None:
    before = state_of(rotations.stack, SLOT_SECRET)
    run = rotations.run(mode="resume")
    assert run.outcome == "NothingToResume", run.cause
    assert state_of(rotations.stack, SLOT_SECRET) == before


@only_in_the_whole
def test_resume_restores_after_a_rollback_that_was_cut_short(rotations: Rotations) -> None:
    """The flip was closed, then the run was stopped on its way back: the application ends where AWSCURRENT says."""
    before, kubernetes = rotations.logins(), Kubernetes(rotations.stack)
    rotations.stack.app.cluster.break_next_rollout()
    closed: list[Visit] = []

    def stop(visit: Visit | None) -> None:
        if visit and visit.state == "CloseFlip":
            closed.append(visit)
        if visit and closed and visit.state == "WriteSqlconf":
            rotations.stack.aws.client("stepfunctions").stop_execution(executionArn=arn)

    arn = rotations.start()
    rotations.follow(arn, stop)
    assert rotations.pending() == [SLOT_SECRET], "it was in the middle"
    rotations.stack.app.cluster.heal()
    run = rotations.run(mode="resume")
    assert run.outcome in ("Restored", "NothingToResume"), run.cause
    if rotations.stack.app.secret_login() != rotations.active:
        pytest.fail(f"the Kubernetes Secret was not restored: {kubernetes.versions()}")
    assert rotations.logins() == before
    rotations.assert_at_rest()


def test_resume_puts_back_what_was_moved_by_hand(rotations: Rotations) -> None:
    active, standby = rotations.logins()
    move_traffic(rotations, standby)
    run = rotations.run(mode="resume")
    assert run.outcome == "Restored", run.cause
    assert rotations.logins() == (active, standby)
    rotations.assert_at_rest()


@only_in_the_whole
def test_resume_leaves_a_living_run_alone(rotations: Rotations) -> None:
    outcomes: list[str] = []

    def ask(visit: Visit | None) -> None:
        if visit and visit.state == "FlipSlot":
            outcomes.append(rotations.run(mode="resume").outcome)

    assert rotations.follow(rotations.start(), ask).outcome == "RotationSucceeded"
    assert outcomes == ["RotationAlreadyRunning"]


# ---- sync-users ------------------------------------------------------------------------------------------------------


def repaired(rotations: Rotations) -> list[str]:
    """What the run says that it had to do."""
    run = rotations.run(mode="sync-users")
    assert run.outcome == "UsersSynced", run.cause
    said: list[str] = output_of(rotations.stack, run)["synced"]["repaired"]
    return said


@only_with_more
def test_sync_users_finds_both_well_and_touches_nobody(rotations: Rotations) -> None:
    logins, admin = rotations.logins(), rotations.admin
    assert repaired(rotations) == []
    assert (rotations.logins(), rotations.admin) == (logins, admin)


def test_sync_users_repairs_the_standby_s_password(rotations: Rotations) -> None:
    logins = rotations.logins()
    set_password(rotations.stack, Login(logins[1].username, made_up()))
    assert repaired(rotations) == [f"{logins[1].username}: password"]
    assert rotations.logins() == logins


@only_with_more
def test_sync_users_makes_a_user_that_is_not_there(rotations: Rotations) -> None:
    """With the privileges of the other, so that the next rotation can use it."""
    logins = rotations.logins()
    sql(rotations.stack, "DROP USER %s@'%%'", logins[1].username)
    assert f"{logins[1].username}: password" in repaired(rotations)
    assert rotations.logins() == logins
    rotations.assert_rotates()


@only_in_the_whole
def test_sync_users_gives_back_a_privilege_that_was_taken(rotations: Rotations) -> None:
    standby = rotations.logins()[1].username
    sql(rotations.stack, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@'%%'", standby)
    assert repaired(rotations) == [f"{standby}: grants"]
    rotations.assert_rotates()


@only_in_the_whole
def test_sync_users_does_not_alter_a_password_that_is_in_use(rotations: Rotations) -> None:
    """The secret is wrong, the application right."""
    in_use = rotations.active

    def drift(slots: dict[str, dict[str, str]]) -> None:
        slots[str(slots["active_slot"])]["password"] = made_up()

    put_slots(rotations, drift)
    assert repaired(rotations) == []
    assert rotations.accepts(in_use)
    assert rotations.stack.app.sqlconf_login() == in_use
    assert rotations.run().outcome == "RotationSucceeded"
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()


@only_with_more
def test_sync_users_makes_the_record_true(rotations: Rotations) -> None:
    """Whoever reads AWSCURRENT afterwards has two logins."""
    in_use = rotations.active

    def drift(slots: dict[str, dict[str, str]]) -> None:
        slots[str(slots["active_slot"])]["password"] = made_up()

    put_slots(rotations, drift)
    repaired(rotations)
    assert rotations.active == in_use
    rotations.assert_at_rest()


@only_with_more
@pytest.mark.parametrize("state", ["PatchSecret", whole("DiscardOldPassword")])
def test_sync_users_keeps_an_unfinished_rotation_for_the_next_run(state: str, rotations: Rotations) -> None:
    before = rotations.active
    stop_before(rotations, state)
    repaired(rotations)
    assert rotations.pending() == [SLOT_SECRET]
    assert rotations.run().outcome == "RotationSucceeded"
    assert not rotations.accepts(before)
    rotations.assert_at_rest()


# ---- fix-permissions -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_fix_permissions_sets_owner_and_mode_and_nothing_else(rotations: Rotations) -> None:
    file = rotations.stack.app.sites / "default" / "sqlconf.php"
    content, inode = file.read_bytes(), file.stat().st_ino
    secret = state_of(rotations.stack, SLOT_SECRET)
    os.chown(file, 0, 0)
    file.chmod(0o640)
    run = rotations.run(mode="fix-permissions")
    assert run.outcome == "PermissionsFixed", run.cause
    assert output_of(rotations.stack, run)["fixed"] == {"changed": True}
    status = file.stat()
    assert (status.st_uid, status.st_gid, S_IMODE(status.st_mode)) == (1000, 101, 0o644)
    assert (file.read_bytes(), status.st_ino) == (content, inode)
    assert state_of(rotations.stack, SLOT_SECRET) == secret


@only_in_the_whole
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_fix_permissions_twice_changes_nothing_the_second_time_and_a_rotation_keeps_them(rotations: Rotations) -> None:
    file = rotations.stack.app.sites / "default" / "sqlconf.php"
    assert rotations.run(mode="fix-permissions").outcome == "PermissionsFixed"
    changed = file.stat().st_ctime_ns
    run = rotations.run(mode="fix-permissions")
    assert output_of(rotations.stack, run)["fixed"] == {"changed": False}
    assert file.stat().st_ctime_ns == changed
    rotations.assert_rotates()
    assert (file.stat().st_uid, file.stat().st_gid, S_IMODE(file.stat().st_mode)) == (1000, 101, 0o644)


@only_with_more
def test_fix_permissions_that_fails_says_what_it_left(rotations: Rotations) -> None:
    error = {"errorType": "SqlconfMissing", "errorMessage": "ordered by a test"}
    rotations.stack.aws.fail(Fault(rotations.stack.function("FixPermissions"), error=error))
    run = rotations.run(mode="fix-permissions")
    assert run.outcome == "PermissionsNotFixed"
    assert "SqlconfMissing" in run.cause
