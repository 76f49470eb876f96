"""How a rotation ends, on real servers under load: no request fails, and what was not rotated is as it was."""

import time

from local.follow import Visit
from local.mysql import Login
from tests.e2e.rotations import SCHEMA, Rotations
from tests.whole import only_with_more


def test_a_failed_rollout_is_rolled_back_and_the_next_run_rotates(rotations: Rotations) -> None:
    before, admin = rotations.active, rotations.admin
    rotations.stack.app.cluster.break_next_rollout()
    run = rotations.run()
    assert run.outcome == "RolledBack"
    assert "RolloutFailed" in run.cause
    assert (rotations.active, rotations.admin) == (before, admin)
    rotations.assert_at_rest()
    rotations.assert_rotates()


def test_an_unknown_target_is_refused_by_name(rotations: Rotations) -> None:
    before = rotations.slots
    run = rotations.run(target="no-such-target")
    assert run.outcome == "RotationRefused"
    assert "TargetNotFound" in run.cause
    assert "no-such-target" in run.cause
    assert rotations.slots == before
    rotations.assert_at_rest()


def test_an_unknown_mode_is_refused_before_anything_is_read(rotations: Rotations) -> None:
    run = rotations.run(mode="rotat")
    assert run.outcome == "UnknownMode"
    assert "rotat" in run.cause
    assert [visit.state for visit in run.visits if visit.kind == "Task"] == ["SayWhy"]


def test_of_several_at_once_one_rotates(rotations: Rotations) -> None:
    """Two that start together, and one that comes while another is at work."""
    before = rotations.active
    arns = [rotations.start(), rotations.start()]

    def start_another(visit: Visit | None) -> None:
        if visit and visit.state == "FlipSlot":
            arns.append(rotations.start())

    ends = [rotations.follow(arn, start_another) for arn in arns]
    expected = ["RotationAlreadyRunning", "RotationAlreadyRunning", "RotationSucceeded"]
    assert sorted(run.outcome for run in ends) == expected, [run.cause for run in ends]
    assert rotations.active.username != before.username
    rotations.assert_at_rest()


@only_with_more
def test_a_schedule_that_is_delivered_twice_rotates_once(rotations: Rotations) -> None:
    scheduled = f"2030-01-01T00:00:{time.time():.3f}Z"
    assert rotations.run(scheduled_time=scheduled).outcome == "RotationSucceeded"
    after = rotations.slots, rotations.admin
    assert rotations.run(scheduled_time=scheduled).outcome == "AlreadyRotated"
    assert (rotations.slots, rotations.admin) == after
    rotations.assert_at_rest()


def test_a_first_rotation_finds_a_third_user_puts_it_back_if_it_fails_and_leaves_it_valid(rotations: Rotations) -> None:
    """It is for the operator to lock."""
    legacy = Login("legacy", "legacy-canary-of-a-human")
    rotations.stack.app.mysql.create_user(legacy, SCHEMA)
    rotations.install(legacy)
    rotations.stack.app.cluster.break_next_rollout()
    failed = rotations.run()
    assert (failed.outcome, rotations.pending()) == ("RolledBack", []), failed.cause
    assert rotations.stack.app.sqlconf_login() == legacy
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause
    assert rotations.stack.app.sqlconf_login().username in ("openemr_a", "openemr_b")
    assert rotations.accepts(legacy)
    rotations.assert_at_rest()
