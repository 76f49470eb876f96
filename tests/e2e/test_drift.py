"""Secrets and files that do not say what is so, while requests go on: none fails, and afterwards the record is true. On the slot
that the application happens to be on: `make faults` has both."""

import pytest

from local.mysql import Login
from tests.e2e.hands import Kubernetes, made_up, move_traffic, put_admin, put_slots, set_password
from tests.e2e.rotations import Rotations
from tests.whole import only_in_the_whole, only_with_more


def drift_active(rotations: Rotations) -> None:
    """The slot secret has another password for the user in use than the one that logs in."""

    def change(slots: dict[str, dict[str, str]]) -> None:
        slots[str(slots["active_slot"])]["password"] = made_up()

    put_slots(rotations, change)


@only_in_the_whole
def test_a_drifted_active_secret(rotations: Rotations) -> None:
    """The password that is in use is adopted, never altered away; the run ends on the other slot, and the record is true."""
    slot, in_use = rotations.slots["active_slot"], rotations.active
    drift_active(rotations)
    assert not rotations.accepts(rotations.active), "it is drifted"
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.slots["active_slot"] != slot
    assert rotations.active.password != in_use.password
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()


@only_with_more
def test_a_drifted_active_secret_whose_rotation_is_rolled_back(rotations: Rotations) -> None:
    """The way back leads to the password that works, not to the one that the secret said."""
    in_use = rotations.active
    drift_active(rotations)
    rotations.stack.app.cluster.break_next_rollout()
    run = rotations.run()
    assert run.outcome == "RolledBack", run.cause
    assert rotations.active == in_use, "the record is true, though nothing was rotated"
    rotations.assert_at_rest()


@only_with_more
def test_the_active_user_was_given_a_new_password_in_the_database_and_the_file_but_not_in_the_secret(
    rotations: Rotations,
) -> None:
    """With RETAIN, as a careful person does; nobody knows the password but sqlconf.php."""
    slot = rotations.slots["active_slot"]
    by_hand = Login(rotations.active.username, made_up())
    with rotations.stack.app.mysql.connect() as session, session.cursor() as cursor:
        cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s RETAIN CURRENT PASSWORD", (by_hand.username, by_hand.password))
    rotations.install(by_hand)
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.slots["active_slot"] != slot
    assert not rotations.accepts(by_hand)
    rotations.assert_at_rest()


@only_in_the_whole
def test_a_drifted_standby(rotations: Rotations) -> None:
    """Nobody uses it, so it is set to what the secret says."""
    standby = rotations.logins()[1]
    set_password(rotations.stack, Login(standby.username, made_up()))
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.active == standby
    rotations.assert_at_rest()


@only_in_the_whole
@pytest.mark.parametrize("what", ["wrong password", "the standby"])
def test_a_drifted_kubernetes_secret(what: str, rotations: Rotations) -> None:
    active, standby = rotations.logins()
    Kubernetes(rotations.stack).set_secret(standby if what == "the standby" else Login(active.username, made_up()))
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.active.username == standby.username
    assert not rotations.accepts(active)
    rotations.assert_at_rest()


@only_with_more
def test_a_drifted_admin_secret_with_the_application_on_the_admin(rotations: Rotations) -> None:
    """No version of the admin secret logs in; sqlconf.php still knows the password."""
    admin = Login(rotations.admin.username, made_up())
    set_password(rotations.stack, admin)
    assert not rotations.accepts(rotations.admin)
    move_traffic(rotations, admin)
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(admin)
    assert rotations.accepts(rotations.admin)
    rotations.assert_at_rest()


@only_with_more
def test_a_drifted_admin_secret_that_the_version_before_it_still_knows(rotations: Rotations) -> None:
    put_admin(rotations, made_up())
    assert not rotations.accepts(rotations.admin)
    in_use = rotations.active
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()


def test_everything_drifted_at_once(rotations: Rotations) -> None:
    """Both slots and the admin in the secrets, and the Kubernetes Secret; only sqlconf.php is right."""
    in_use = rotations.active

    def change(slots: dict[str, dict[str, str]]) -> None:
        for slot in ("A", "B"):
            slots[slot]["password"] = made_up()

    put_slots(rotations, change)
    put_admin(rotations, made_up())
    Kubernetes(rotations.stack).set_secret(Login(in_use.username, made_up()))
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()
