"""WriteSqlconf, PatchSecret, RestartApp, CheckRollout, ValidateApp and FixPermissions: forward and back are the same acts."""

from dataclasses import replace

import pytest
from rotation.core.errors import (
    AppUnhealthy,
    ConsumerDiffers,
    LoginRefused,
    RolloutFailed,
    RolloutPaused,
    RolloutTooSlow,
    RotationSuperseded,
    WorkloadUnfit,
)
from rotation.core.model import CURRENT, PENDING, PREVIOUS, Direction, Mode, Password, Slot
from rotation.core.rollout import EARLY_POLL_SECONDS, POLL_SECONDS, Unfit
from rotation.steps.check_rollout import check_rollout
from rotation.steps.fix_permissions import fix_permissions
from rotation.steps.publish import publish
from rotation.steps.restart_app import restart_app
from rotation.steps.validate_app import validate_app

from tests.worlds.run import Event, Run, Step, refused
from tests.worlds.world import FORMER, FORMER_PASSWORD, PODS, SECRET, SQLCONF, USERS, MemoryWorld, credential, login

BACK = {"direction": str(Direction.RESTORE), "entry": "A"}


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def run(world: MemoryWorld) -> Run:
    return Run(world).to_publish()


def on(consumer: int, **more: object) -> Event:
    return {"consumer": {"index": consumer}, **more}


def edit(world: MemoryWorld) -> None:
    """A person puts a secret, which becomes current whatever anybody else is doing."""
    world.slots.put("edit", world.current.with_password(Slot.A, Password("theirs")).text(), [CURRENT])


each_consumer = pytest.mark.parametrize("consumer", [SQLCONF, SECRET])


# Publish


@each_consumer
def test_a_consumer_holds_the_new_slot_and_the_others_are_left(world: MemoryWorld, run: Run, consumer: int) -> None:
    assert run.ask(publish, **on(consumer))["changed"] is True
    assert world.credential(consumer).held.same_login(login(Slot.B))
    assert world.credential(1 - consumer).held.same_login(login(Slot.A))


@each_consumer
def test_published_again_nothing_is_written(world: MemoryWorld, run: Run, consumer: int) -> None:
    run.ask(publish, **on(consumer))
    writes = list(world.journal.writes)
    assert run.ask(publish, **on(consumer))["changed"] is False
    assert world.journal.writes == writes


@each_consumer
def test_the_way_back_is_the_same_act(world: MemoryWorld, run: Run, consumer: int) -> None:
    run.ask(publish, **on(consumer))
    assert run.ask(publish, **on(consumer, **BACK))["changed"] is True
    assert world.credential(consumer).held.same_login(login(Slot.A))


@each_consumer
def test_back_to_what_a_first_rotation_found(world: MemoryWorld, consumer: int) -> None:
    former = credential(FORMER, FORMER_PASSWORD)
    world.application_uses(former)
    run = Run(world).to_publish()
    run.ask(publish, **on(consumer))
    run.ask(publish, **on(consumer, direction="restore", entry=PREVIOUS))
    assert world.credential(consumer).held.same_login(former)


@each_consumer
def test_what_does_not_read_back_as_it_was_written_is_not_believed(world: MemoryWorld, run: Run, consumer: int) -> None:
    held = world.credential(consumer)
    world.journal.meanwhile(f"read {held.name}", lambda: held.holds(login(Slot.A)))
    with refused(world, ConsumerDiffers, f"{held.name} does not read back"):
        run.ask(publish, **on(consumer))


def test_another_database_host_does_not_pass_for_the_same(world: MemoryWorld, run: Run) -> None:
    """The user is right, and the application would still be elsewhere."""
    elsewhere = replace(login(Slot.B), host="elsewhere.example")
    world.journal.meanwhile("read sqlconf.php", lambda: world.file.holds(elsewhere))
    with refused(world, ConsumerDiffers):
        run.ask(publish, **on(SQLCONF))


WRITERS: dict[str, tuple[Step, int]] = {
    "WriteSqlconf": (publish, SQLCONF),
    "PatchSecret": (publish, SECRET),
    "RestartApp": (restart_app, PODS),
    "ValidateApp": (validate_app, SQLCONF),
}
each_writer = pytest.mark.parametrize(("step", "consumer"), WRITERS.values(), ids=WRITERS)


@each_writer
@pytest.mark.parametrize("back", [{}, BACK], ids=["forward", "restore"])
def test_who_lost_the_intent_does_nothing(world: MemoryWorld, run: Run, step: Step, consumer: int, back: Event) -> None:
    world.slots.swap(PENDING, to=None, removed_from=run.claim)
    writes = list(world.journal.writes)
    with refused(world, RotationSuperseded, "AWSPENDING is no longer"):
        run.ask(step, **on(consumer, **back))
    assert world.journal.writes == writes


@each_writer
def test_forward_nothing_is_done_once_somebody_put_another_secret(world: MemoryWorld, run: Run, step: Step, consumer: int) -> None:
    edit(world)
    writes = list(world.journal.writes)
    with refused(world, RotationSuperseded, "became current"):
        run.ask(step, **on(consumer))
    assert (world.journal.writes, world.health.checks) == (writes, 0)


@each_writer
def test_the_way_back_is_open_although_current_has_moved(world: MemoryWorld, run: Run, step: Step, consumer: int) -> None:
    """CloseFlip has moved it itself."""
    edit(world)
    assert run.ask(step, **on(consumer, **BACK))


# RestartApp


def test_a_restart_carries_the_executions_mark_and_says_when_it_began(world: MemoryWorld, run: Run) -> None:
    assert run.ask(restart_app, **on(PODS)) == {"began": world.clock, "status": "waiting", "wait_seconds": EARLY_POLL_SECONDS}
    assert (world.pods.mark, world.pods.started) == (f"run-1.forward.{run.claim[:8]}.0", "started run-1")


def test_asked_again_there_is_no_second_rollout(world: MemoryWorld, run: Run) -> None:
    for _ in range(3):
        world.clock += 5
        run.ask(restart_app, **on(PODS))
    assert world.pods.restarts == 1


def test_the_way_back_is_a_rollout_of_its_own(world: MemoryWorld, run: Run) -> None:
    run.ask(restart_app, **on(PODS))
    run.ask(restart_app, **on(PODS, **BACK))
    assert (world.pods.restarts, world.pods.mark) == (2, f"run-1.restore.{run.claim[:8]}.0")


# CheckRollout


def look(run: Run, **more: object) -> Event:
    return run.ask(check_rollout, **on(PODS, **more))


def restarted(run: Run) -> None:
    run.event["rollout"] = run.ask(restart_app, **on(PODS))


def test_a_rollout_is_waited_for_from_before_the_controller_sees_it_to_its_end(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    statuses = [look(run)["status"]]
    for event in (world.pods.begin, world.pods.finish):
        event()
        statuses.append(look(run)["status"])
    assert statuses == ["waiting", "waiting", "complete"]


def test_the_failure_of_the_rollout_before_is_not_taken_for_this_ones(world: MemoryWorld, run: Run) -> None:
    world.pods.fail()
    restarted(run)
    assert look(run)["status"] == "waiting"


def test_a_failed_rollout_says_how_far_it_came(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    world.pods.fail()
    with refused(world, RolloutFailed, "exceeded its progress deadline: 1 of 2"):
        look(run)


def test_a_rollout_that_somebody_paused_would_never_end(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    world.pods.paused = True
    with refused(world, RolloutPaused, "kubectl rollout resume"):
        look(run)


def test_a_workload_whose_pods_nobody_replaces_any_more_would_never_end(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    world.pods.unfit = Unfit("has the update strategy OnDelete", "give it RollingUpdate")
    with refused(world, WorkloadUnfit, "update strategy OnDelete: give it RollingUpdate"):
        look(run)
    world.pods.finish()
    assert look(run)["status"] == "complete", "what has rolled already is done"


@pytest.mark.parametrize("mark", [None, "another-run.forward", "run-1.restore"])
def test_a_rollout_of_somebody_else_is_not_ours_even_if_it_is_complete(world: MemoryWorld, run: Run, mark: str | None) -> None:
    restarted(run)
    world.pods.finish()
    world.pods.mark = mark
    with refused(world, ConsumerDiffers, "no longer carries this rotation's mark"):
        look(run)


def test_until_the_deadline_it_is_waited_and_after_it_not(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    world.clock += world.target.rollout_deadline_seconds
    assert look(run) == {"began": world.clock - 3600, "status": "waiting", "wait_seconds": POLL_SECONDS}
    world.clock += 1
    with refused(world, RolloutTooSlow, "not rolled out after 3601 s (rollout.deadline_seconds)"):
        look(run)


def test_complete_after_the_deadline_is_still_complete(world: MemoryWorld, run: Run) -> None:
    restarted(run)
    world.pods.finish()
    world.clock += 10_000
    assert look(run)["status"] == "complete"


# ValidateApp


@pytest.fixture
def published(run: Run) -> Run:
    run.publish()
    return run


def test_what_the_file_holds_is_tried_and_the_application_asked(world: MemoryWorld, published: Run) -> None:
    logins = world.account(Slot.B).logins
    assert published.ask(validate_app) == {"user": USERS[Slot.B]}
    assert (world.account(Slot.B).logins - logins, world.health.checks) == (1, 1)


def test_validated_on_the_way_back_too(world: MemoryWorld, published: Run) -> None:
    for consumer in (SQLCONF, SECRET):
        published.ask(publish, **on(consumer, **BACK))
    assert published.ask(validate_app, **BACK) == {"user": USERS[Slot.A]}


def test_a_file_that_somebody_put_back_is_found(world: MemoryWorld, published: Run) -> None:
    world.file.holds(login(Slot.A))
    with refused(world, ConsumerDiffers, "sqlconf.php does not hold the credential of openemr_b"):
        published.ask(validate_app)


def test_the_right_user_with_another_password_is_found(world: MemoryWorld, published: Run) -> None:
    world.file.holds(credential(USERS[Slot.B], "canary-other"))
    with refused(world, ConsumerDiffers):
        published.ask(validate_app)


def test_a_file_whose_login_does_not_work_is_found(world: MemoryWorld, published: Run) -> None:
    world.account(Slot.B).password = "canary-other"
    with refused(world, LoginRefused, "what sqlconf.php holds for openemr_b does not log in"):
        published.ask(validate_app)
    assert world.health.checks == 0


def test_what_is_tried_is_what_was_read_back(world: MemoryWorld, published: Run) -> None:
    """And not what was recorded: the application goes where the file says."""
    elsewhere = replace(login(Slot.B), host="elsewhere.example")
    world.file.holds(elsewhere)
    published.ask(validate_app)
    assert world.source.tried[-1] == elsewhere


def test_a_page_that_does_not_show_the_application_is_fatal(world: MemoryWorld, published: Run) -> None:
    world.health.shows_the_application = False
    with refused(world, AppUnhealthy):
        published.ask(validate_app)


# FixPermissions


@pytest.mark.parametrize("wrong", [True, False])
def test_permissions_are_mended_where_they_are_wrong_and_no_credential_changes(world: MemoryWorld, wrong: bool) -> None:
    world.file.permissions_are_right = not wrong
    answers = [Run(world, "fix", Mode.FIX_PERMISSIONS).ask(fix_permissions, fixed={}) for _ in range(2)]
    assert [(one["changed"], one["status"]) for one in answers] == [(wrong, "complete"), (False, "complete")]
    assert world.journal.writes == ["permissions sqlconf.php"] * wrong
    assert world.file.held == login(Slot.A)


def test_a_page_that_spoke_for_another_credential_proves_nothing(world: MemoryWorld, published: Run) -> None:
    """A dead run's write landed while the page was asked (found by make faults)."""
    world.health.check = lambda: world.file.holds(login(Slot.A))  # type: ignore[method-assign]
    with refused(world, ConsumerDiffers, "does not hold the credential"):
        published.ask(validate_app)
