"""The rows of the idempotency table and of the failure table of the system that this one follows, on real servers under load.

Rows that other tests have by another name are in docs/tests.md.

Every test finds the application served and leaves it at rest; no request fails meanwhile (the fixture `rotations`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.cluster.application import SCHEMA
from local.faults import Fault
from local.mysql import Login
from local.stack import SLOT_SECRET
from tests.e2e.first_run import as_terraform_leaves_it
from tests.e2e.hands import (
    DEPLOYMENT_PATH,
    PLACEHOLDER,
    Kubernetes,
    document,
    made_up,
    move_traffic,
    put_admin,
    put_slots,
    put_target,
    remove_target,
    set_password,
    state_of,
    stop_before,
    until,
)
from tests.e2e.rotations import Rotations
from tests.whole import only_in_the_whole, only_with_more, whole

REFUSED = {"errorType": "ClusterRefused", "errorMessage": "ordered by a test"}


@contextmanager
def target(rotations: Rotations, name: str, **changes: Any) -> Iterator[str]:
    """The deployed target under another name, with changes: of the same application."""
    put_target(rotations.stack, name, document(rotations.stack) | changes)
    yield name
    remove_target(rotations.stack, name)


# ---- idempotency and safety ------------------------------------------------------------------------------------------


def test_first_run_neither_slot_matches_sqlconf(rotations: Rotations) -> None:
    """Bootstrap: both users are made with passwords of their own, the application leaves the admin's login."""
    as_terraform_leaves_it(rotations)
    admin = rotations.admin
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    slots = rotations.slots
    assert slots["active_slot"] == "A"
    passwords = {slots["A"]["password"], slots["B"]["password"]}
    assert len(passwords) == 2
    assert PLACEHOLDER not in passwords
    assert "previous" not in slots, "the admin's password is not kept in the slot secret"
    assert not rotations.accepts(admin)
    assert not rotations.accepts(Login("openemr_a", PLACEHOLDER))
    rotations.assert_at_rest()
    rotations.assert_rotates()


@only_in_the_whole
def test_first_run_that_is_rolled_back(rotations: Rotations) -> None:
    """The application is on the admin's login again, whose password nobody touched; the run after it succeeds."""
    as_terraform_leaves_it(rotations)
    admin = rotations.admin
    rotations.stack.app.cluster.break_next_rollout()
    run = rotations.run()
    assert run.outcome == "RolledBack", run.cause
    assert (rotations.stack.app.sqlconf_login(), rotations.stack.app.secret_login()) == (admin, admin)
    assert rotations.pending() == []
    assert rotations.run().outcome == "RotationSucceeded"
    rotations.assert_at_rest()


@only_with_more
@pytest.mark.parametrize("state", ["PatchSecret", whole("DiscardOldPassword")])
def test_first_run_that_is_stopped(state: str, rotations: Rotations) -> None:
    """The next run finishes it: nothing that it made is made twice, nothing that it needs is lost."""
    as_terraform_leaves_it(rotations)
    admin = rotations.admin
    stop_before(rotations, state)
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(admin)
    rotations.assert_at_rest()


@only_in_the_whole
def test_sqlconf_points_at_standby_secrets_say_active(rotations: Rotations) -> None:
    """What a human or a dead run left: the record is made to match, the Secret and the pods too, the old slot is rotated."""
    active, standby = rotations.logins()
    move_traffic(rotations, standby)
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.active == standby, "the application was already there: it is not moved"
    assert not rotations.accepts(active)
    rotations.assert_at_rest()


@only_in_the_whole
def test_app_and_secret_both_indicate_slot_b_active(rotations: Rotations) -> None:
    """It does not stay on B: every rotation ends on another password."""
    if rotations.slots["active_slot"] != "B":
        rotations.assert_rotates()
    before = rotations.active
    assert before.username == "openemr_b"
    rotations.assert_rotates()
    assert rotations.active.username == "openemr_a"
    assert not rotations.accepts(before)
    rotations.assert_rotates()
    assert rotations.active.username == "openemr_b"


@only_in_the_whole
def test_app_and_secret_both_indicate_slot_b_active_after_an_interrupted_retirement(rotations: Rotations) -> None:
    """What that row was for: what is left of the last rotation is finished first."""
    if rotations.slots["active_slot"] != "A":
        rotations.assert_rotates()
    old, admin = rotations.active, rotations.admin
    stop_before(rotations, "CheckDrained")
    assert (rotations.slots["active_slot"], rotations.stack.app.sqlconf_login().username) == ("B", "openemr_b")
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.active.username == "openemr_a", "finished, and then rotated"
    assert [rotations.accepts(login) for login in (old, admin)] == [False, False]
    rotations.assert_at_rest()


# ---- failure scenarios -----------------------------------------------------------------------------------------------


@only_in_the_whole
def test_job_fails_mid_rotation_after_sqlconf_flip_before_validation(rotations: Rotations) -> None:
    """The function dies every time it is called: rollback."""
    before, admin = rotations.logins(), rotations.admin
    fault = Fault(rotations.stack.function("RestartApp"), {"direction": "forward"}, times=10)
    rotations.stack.aws.fail(fault)
    run = rotations.run()
    assert run.outcome == "RolledBack", run.cause
    assert "RestartApp failed" in run.cause
    assert (rotations.logins(), rotations.admin) == (before, admin)
    rotations.assert_at_rest()
    rotations.stack.aws.clear_faults()
    rotations.assert_rotates()


def test_efs_not_mounted(rotations: Rotations) -> None:
    """A mount that is there but empty: refused before anything is claimed, and the message says where to look."""
    changed = document(rotations.stack)["consumers"]
    changed[0]["path"] = "nowhere/sqlconf.php"
    before = state_of(rotations.stack, SLOT_SECRET)
    with target(rotations, "not-mounted", consumers=changed) as name:
        run = rotations.run(target=name)
    assert run.outcome == "RotationRefused"
    assert "SqlconfMissing" in run.cause
    assert "is EFS mounted" in run.cause
    assert state_of(rotations.stack, SLOT_SECRET) == before


@only_with_more
def test_efs_not_mounted_for_a_while_or_lambda_asleep(rotations: Rotations) -> None:
    """Lambda says so itself, before and after the claim: waited for."""
    said = {
        "ReadSlots": "Lambda.EFSMountConnectivityException",
        "WriteSqlconf": "Lambda.EFSMountTimeoutException",
        "PatchSecret": "Lambda.ResourceConflictException",
        "RotateOldSlot": "Lambda.ENINotReadyException",
    }
    for state, error in said.items():
        fault = Fault(rotations.stack.function(state), error={"errorType": error, "errorMessage": "ordered by a test"})
        rotations.stack.aws.fail(fault)
    rotations.assert_rotates()


@only_in_the_whole
def test_secrets_manager_unreachable_for_a_while(rotations: Rotations) -> None:
    """Waited for, wherever it happens."""
    error = {"errorType": "SecretStoreUnavailable", "errorMessage": "ordered by a test"}
    for state in ("ReadSlots", "ClaimRotation", "FlipSlot", "RotateAdmin"):
        rotations.stack.aws.fail(Fault(rotations.stack.function(state), error=error))
    rotations.assert_rotates()


@only_in_the_whole
def test_admin_password_drift_that_nobody_knows(rotations: Rotations) -> None:
    """Not healed by guessing: refused with the way out, nothing touched."""
    before = state_of(rotations.stack, SLOT_SECRET)
    works = rotations.admin
    unknown = Login(works.username, made_up())
    set_password(rotations.stack, unknown)
    run = rotations.run()
    assert run.outcome == "RotationRefused"
    assert "AdminLoginUnknown" in run.cause
    assert state_of(rotations.stack, SLOT_SECRET) == before
    put_admin(rotations, unknown.password)  # the way out
    rotations.assert_rotates()


@only_in_the_whole
def test_k8s_secret_update_fails(rotations: Rotations) -> None:
    before, admin = rotations.logins(), rotations.admin
    rotations.stack.aws.fail(Fault(rotations.stack.function("PatchSecret"), {"direction": "forward"}, error=REFUSED))
    run = rotations.run()
    assert run.outcome == "RolledBack", run.cause
    assert "PatchSecret failed with ClusterRefused" in run.cause
    assert (rotations.logins(), rotations.admin) == (before, admin)
    rotations.assert_at_rest()
    rotations.assert_rotates()


@only_in_the_whole
def test_rollout_timeout(rotations: Rotations) -> None:
    """Kubernetes itself has not given up yet: the target's own deadline counts."""
    kubernetes, before = Kubernetes(rotations.stack), rotations.logins()
    patience = kubernetes.get(DEPLOYMENT_PATH)["spec"]["progressDeadlineSeconds"]
    kubernetes.patch(DEPLOYMENT_PATH, {"spec": {"progressDeadlineSeconds": 600}})
    rotations.stack.app.cluster.break_next_rollout()
    with target(rotations, "impatient", rollout={"deadline_seconds": 8}) as name:
        run = rotations.run(target=name)
    kubernetes.patch(DEPLOYMENT_PATH, {"spec": {"progressDeadlineSeconds": patience}})
    assert run.outcome == "RolledBack", run.cause
    assert "RolloutTooSlow" in run.cause
    assert rotations.logins() == before
    rotations.assert_at_rest()
    rotations.assert_rotates()


@only_with_more
def test_old_slot_rotation_fails(rotations: Rotations) -> None:
    """Somebody holds a session of the old user: it is never cut off. The application goes on, the next run finishes."""
    before = rotations.active
    drain = document(rotations.stack)["drain"] | {"deadline_seconds": 5}
    with rotations.stack.app.mysql.connect(before, SCHEMA) as session, target(rotations, "in-a-hurry", drain=drain) as name:
        run = rotations.run(target=name)
        assert run.outcome == "OldSlotNotRotated", run.cause
        assert "DrainTooSlow" in run.cause
        with session.cursor() as cursor:
            cursor.execute("SELECT name FROM facility")
            assert cursor.fetchone()
    assert rotations.active.username != before.username
    assert rotations.accepts(before), "it was not touched"
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(before)
    rotations.assert_at_rest()


@only_with_more
def test_both_slots_corrupted_in_the_secret(rotations: Rotations) -> None:
    """The emergency while the application still works on what sqlconf.php says: put the admin, sync-users, rotate."""
    in_use = rotations.active

    def corrupt(slots: dict[str, Any]) -> None:
        for slot in ("A", "B"):
            slots[slot]["password"] = made_up()

    put_slots(rotations, corrupt)
    admin = Login(rotations.admin.username, made_up())
    set_password(rotations.stack, admin)
    put_admin(rotations, admin.password)
    run = rotations.run(mode="sync-users")
    assert run.outcome == "UsersSynced", run.cause
    assert rotations.stack.app.sqlconf_login() == in_use, "no file was written"
    assert rotations.accepts(in_use), "and its user not altered"
    assert [rotations.accepts(login) for login in rotations.logins()] == [True, True]
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()


@only_in_the_whole
def test_both_slots_corrupted_and_the_application_down(in_an_outage: Rotations) -> None:
    """The seed's emergency, word for word. Requests fail before it, and none after users were synced."""
    rotations, stack = in_an_outage, in_an_outage.stack
    for login in rotations.logins():
        set_password(stack, Login(login.username, made_up()))
    until(lambda: bool(rotations.requests_since(time.time() - 0.5).failures))
    admin = Login(rotations.admin.username, made_up())
    set_password(stack, admin)  # the console's "modify master password"
    put_admin(rotations, admin.password)
    synced = rotations.run(mode="sync-users")
    assert synced.outcome == "UsersSynced", synced.cause
    assert [rotations.accepts(login) for login in rotations.logins()] == [True, True]
    stack.app.cluster.wait_until_rolled_out()
    served_again = time.time()
    rotations.assert_rotates()
    requests = rotations.requests_since(served_again)
    assert requests.served > 0
    assert requests.failures == []
