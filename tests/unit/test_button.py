"""Secrets Manager rotates the application's secret by itself, over the small world: whatever happens on the way, it ends whole."""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from rotation.core.errors import OwnerUnknown
from rotation.core.findings import Severity
from rotation.core.model import Credential, Slot
from rotation.core.seen import Ran
from rotation.protocol.probes import probe
from rotation.protocol.secret_runs import intended
from rotation.steps.flip_slot import flip_slot

from local import secret_labels as aws
from tests.worlds.proxied import OTHERS, Disturbed, ProxiedWorld, SecretsManager
from tests.worlds.run import Run, arn
from tests.worlds.world import MemoryWorld, login

STARTS_OUR_RUN = {"target": "shop"}


@pytest.fixture
def world() -> ProxiedWorld:
    world = ProxiedWorld()
    world.sleep(10)
    return world


@pytest.fixture
def manager(world: ProxiedWorld) -> SecretsManager:
    return SecretsManager(world)


def used(world: ProxiedWorld) -> Credential:
    """What the application's secret holds."""
    read: Credential = world.traffic().read()
    return read.at_place_of(world.current.credential(world.current.active))


def whole(world: ProxiedWorld) -> None:
    """At rest, with labels as AWS wants them; what is recorded is what the application has, and works everywhere."""
    labels = world.application.labels()
    assert labels.pending in (None, labels.current)
    assert world.slots.labels().pending is None
    content = json.loads(world.application.read(labels.current).reveal())
    assert {key: content[key] for key in OTHERS} == OTHERS
    now = used(world)
    assert world.current.credential(world.current.active).same_login(now)
    assert world.endpoint.logs_in(now)
    for slot in world.current.ring:
        credential = world.current.credential(slot)
        assert world.accepts(credential)
        assert world.proxy_secret(credential.username).read().same_login(credential)
    assert world.failed == []


@contextmanager
def retires(world: ProxiedWorld, *, rotated: bool = True) -> Iterator[None]:
    """Whatever the application used before is refused when all is done, by the database and by the proxy."""
    before = used(world)
    yield
    world.rest()
    world.sleep(10)
    whole(world)
    assert used(world).same_login(before) is not rotated
    assert world.accepts(before) is not rotated
    assert world.endpoint.logs_in(before) is not rotated


# ---- one rotation -------------------------------------------------------------------------------------------------------


def test_the_button_rotates(world: ProxiedWorld, manager: SecretsManager) -> None:
    with retires(world):
        assert manager.rotate()
    assert manager.steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert len(world.clockwork.executions) == 1


def test_secrets_manager_is_done_long_before_the_old_password_is_retired(world: ProxiedWorld, manager: SecretsManager) -> None:
    began = world.clock
    assert manager.rotate()
    assert world.clock - began < 20
    assert world.current.active == "B", "it is said after the flip, not before"
    assert not world.clockwork.idle
    world.rest()


def test_the_version_of_the_token_is_the_one_that_becomes_current(world: ProxiedWorld, manager: SecretsManager) -> None:
    token = str(uuid.uuid4())
    manager.rotate(token)
    assert world.application.labels().current == token
    assert world.application.labels().pending is None
    world.rest()
    assert world.application.labels().current == token


def test_no_version_of_ours_is_put_while_secrets_manager_rotates(world: ProxiedWorld, manager: SecretsManager) -> None:
    """It would call that abandoned."""
    manager.rotate()
    world.rest()
    assert len(world.application.versions) == 2


# ---- killed -------------------------------------------------------------------------------------------------------------


def calls_of_a_rotation() -> list[str]:
    world = ProxiedWorld()
    manager = SecretsManager(world)
    seen = manager.seen_by_function = Disturbed(world, 0)
    manager.rotate()
    return list(seen.made)


CALLS = calls_of_a_rotation()


@pytest.mark.parametrize("at", range(1, len(CALLS) + 1), ids=lambda at: f"{at}-{CALLS[at - 1]}")
def test_a_function_that_is_killed_is_called_again_and_all_ends_whole(
    world: ProxiedWorld, manager: SecretsManager, at: int
) -> None:
    manager.seen_by_function = Disturbed(world, at)
    with retires(world):
        assert manager.rotate()
    assert manager.errors == ["killed"]
    assert len(world.clockwork.executions) == 1, "the one that runs is found again"


@pytest.mark.parametrize("at", range(1, len(CALLS) + 1), ids=lambda at: f"{at}-{CALLS[at - 1]}")
def test_a_function_that_is_held_up_longer_than_anybody_waits_for_it_does_no_harm(world: ProxiedWorld, at: int) -> None:
    manager = SecretsManager(world, tries=1)
    manager.seen_by_function = Disturbed(world, at, lambda: world.sleep(3000))
    manager.rotate()
    world.rest()
    whole(world)
    with retires(world):
        assert SecretsManager(world).rotate()


@pytest.mark.parametrize(
    "at", [number for number, name in enumerate(CALLS, 1) if name == "execution" and CALLS[number - 2] == "sleep"]
)
def test_what_may_pass_is_looked_past_while_a_step_waits(world: ProxiedWorld, manager: SecretsManager, at: int) -> None:
    def throttled() -> None:
        raise OwnerUnknown("Step Functions does not answer for a while")

    manager.seen_by_function = Disturbed(world, at, throttled)
    with retires(world):
        assert manager.rotate()
    assert manager.errors == []


def test_a_run_that_was_stopped_is_carried_on_by_the_next_with_the_same_version(
    world: ProxiedWorld, manager: SecretsManager
) -> None:
    """The version under the token stays as it is."""
    with retires(world):
        manager.seen_by_function = Disturbed(world, CALLS.index("rotated.make_current") + 1)
        world.clockwork.later(20, lambda: stop(world))
        assert manager.rotate()
    assert len(world.clockwork.executions) == 2


def stop(world: ProxiedWorld) -> None:
    """A person presses Stop."""
    for name, place in world.clockwork.executions.items():
        world.clockwork.executions[name] = replace(place, status="ABORTED")
        world.alive.discard(place.who.id)


# ---- beside a run of ours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 0.5, 3, 8, 25, 40, 45])
def test_beside_a_run_of_ours_it_is_refused_with_a_reason_and_then_the_button_works(world: ProxiedWorld, seconds: float) -> None:
    """AWSPENDING, which the refused one leaves on a version that holds nothing, is taken off with the run's last act."""
    impatient = SecretsManager(world, tries=1)
    with retires(world):
        world.start("ours", STARTS_OUR_RUN)
        world.sleep(seconds)
        assert not impatient.rotate()
    assert [one for one in impatient.errors if "rotate again when that execution has ended" in one or "ended in" in one]
    with retires(world):
        assert impatient.rotate()


def test_a_run_of_ours_that_puts_the_secret_before_secrets_manager_asks_has_its_rotation_abandoned(world: ProxiedWorld) -> None:
    manager = SecretsManager(world)
    with retires(world):
        world.start("ours", STARTS_OUR_RUN)
        world.sleep(1.2)
        assert not manager.rotate()
    assert world.application.labels().pending is None


@pytest.mark.parametrize(
    ("seconds", "why"), [(0.5, "is rotating it already"), (8, "still waits until nobody uses the credential of before")]
)
def test_the_reason_says_what_the_run_of_ours_does(world: ProxiedWorld, seconds: float, why: str) -> None:
    impatient = SecretsManager(world, tries=1)
    world.start("ours", STARTS_OUR_RUN)
    world.sleep(seconds)
    impatient.rotate()
    assert impatient.errors[0].startswith("RotationAlreadyRunning")
    assert why in impatient.errors[0]


def test_what_secrets_manager_tries_again_after_a_run_of_ours_succeeds_by_itself(
    world: ProxiedWorld, manager: SecretsManager
) -> None:
    with retires(world):
        world.start("ours", STARTS_OUR_RUN)
        world.sleep(50)
        manager.rotate()
    assert manager.errors[0].startswith("RotationAlreadyRunning")


def test_a_run_of_ours_beside_it_is_refused(world: ProxiedWorld, manager: SecretsManager) -> None:
    with retires(world):
        world.clockwork.later(3, lambda: world.clockwork.start("ours", STARTS_OUR_RUN))
        assert manager.rotate()
    assert world.clockwork.executions["ours"].error == "RotationAlreadyRunning"


def test_what_a_person_puts_while_the_old_password_drains_is_put_right_by_the_run_itself(
    world: ProxiedWorld, manager: SecretsManager
) -> None:
    before = world.application.read(world.application.labels().current)
    with retires(world):
        assert manager.rotate()
        world.application.put("by a person", before)


# ---- it fails -----------------------------------------------------------------------------------------------------------


def test_a_run_that_is_rolled_back_makes_the_step_fail_with_its_reason(world: ProxiedWorld) -> None:
    """The proxy never takes the new password."""
    manager = SecretsManager(world, tries=1)
    world.endpoint.logs_in = lambda credential: credential.username == "openemr_a"  # type: ignore[method-assign]
    before = used(world)
    assert not manager.rotate()
    [error] = manager.errors
    assert error.startswith("RunEnded: the execution secret-")
    assert "ended in RolledBack. shop: rolled back, the application uses the login that it had before" in error
    assert "CheckLogin failed with EndpointTooSlow: the endpoint proxy.example:5432 refuses openemr_b" in error
    assert used(world).same_login(before)


def test_a_late_finish_changes_nothing_once_the_run_has_turned_back(world: ProxiedWorld, manager: SecretsManager) -> None:
    """It has looked, and is held up right before it moves the label."""
    secret = world.application
    swap, before = secret.swap, used(world)
    held: list[bool] = []

    def held_up(label: str, *, to: str | None, removed_from: str | None) -> bool:
        if label == "AWSCURRENT" and not held:
            held.append(True)
            world.sleep(3000)
        return swap(label, to=to, removed_from=removed_from)

    secret.swap = held_up  # type: ignore[method-assign]
    assert not manager.rotate()
    assert "another version became current meanwhile" in manager.errors[0]
    world.rest()
    whole(world)
    assert used(world).same_login(before)


def test_secrets_manager_that_does_not_come_back_is_not_waited_for_for_ever(world: ProxiedWorld) -> None:
    gives_up = SecretsManager(world, tries=1)
    gives_up.seen_by_function = Disturbed(world, CALLS.index("rotated.put_pending") + 3)
    before = used(world)
    assert not gives_up.rotate()
    world.rest()
    [place] = world.clockwork.executions.values()
    assert place.error == "RolledBack"
    assert "did not make version" in place.cause
    assert used(world).same_login(before)
    with retires(world):
        world.start("ours", STARTS_OUR_RUN)


def test_the_run_gives_up_soon_once_secrets_manager_has(world: ProxiedWorld, manager: SecretsManager) -> None:
    token, began = str(uuid.uuid4()), world.clock
    aws.reserve(world.application.versions, token)
    assert called(manager, "createSecret", token) == ""
    world.rotated.let_go(token)
    world.rest()
    [place] = world.clockwork.executions.values()
    assert (place.error, world.clock - began < 120) == ("RolledBack", True)
    assert f"Secrets Manager has given up its rotation to version {token}" in place.cause
    whole(world)


def test_nothing_is_made_current_that_does_not_log_in(world: ProxiedWorld, manager: SecretsManager) -> None:
    token, before = str(uuid.uuid4()), world.application.labels().current
    aws.reserve(world.application.versions, token)
    for step in ("createSecret", "setSecret", "testSecret"):
        assert called(manager, step, token) == ""
    world.source.accounts["openemr_b"].password = "another"
    assert called(manager, "finishSecret", token).startswith("LoginRefused: openemr_b is not made current")
    assert world.application.labels().current == before


def test_nothing_is_put_that_does_not_log_in(world: ProxiedWorld, manager: SecretsManager) -> None:
    """Somebody has changed the next user's password, and SyncUsers has to wait before it can put it right."""
    account = world.source.accounts["openemr_b"]
    account.password, world.source.lock = "another", "somebody"
    world.clockwork.later(15, lambda: world.source.leave("somebody"))
    accepted: list[bool] = []
    created = world.application.created

    def put(version: str) -> None:
        accepted.append(account.password != "another")
        created(version)

    world.application.created = put
    with retires(world):
        assert manager.rotate()
    assert accepted == [True]


def test_a_version_that_holds_something_else_is_let_go(world: ProxiedWorld) -> None:
    manager, token = SecretsManager(world, tries=1), str(uuid.uuid4())
    content = {**OTHERS, "username": "openemr_b", "password": "a-password-of-somebody"}
    aws.put(world.application.versions, token, {"secret_string": json.dumps(content)}, ["AWSPENDING"])
    world.application._put_at[token] = world.clock
    manager._rotation = None
    error = manager.call({"Step": "createSecret", "SecretId": world.application.name, "ClientRequestToken": token})
    assert error.startswith("VersionDiffers")
    assert "a-password-of-somebody" not in error
    assert world.application.labels().pending is None
    world.rest()
    whole(world)


def test_only_its_own_run_s_intent_is_waited_for_and_only_until_the_flip() -> None:
    run = Run(MemoryWorld())
    ours, other = Ran(arn("run-1"), True, "RUNNING", ""), Ran(arn("run-2"), True, "RUNNING", "")
    assert intended(run.world, ours) is None
    run.to_publish()
    assert intended(run.world, ours) == login(Slot.B)
    assert intended(run.world, other) is None
    run.publish()
    run.ask(flip_slot)
    assert intended(run.world, ours) is None


def test_a_run_that_has_turned_back_is_not_waited_for() -> None:
    run = Run(MemoryWorld()).to_publish()
    run.close_flip()
    assert intended(run.world, Ran(arn("run-1"), True, "RUNNING", "")) is None


# ---- corners of the contract --------------------------------------------------------------------------------------------


def called(manager: SecretsManager, step: str, token: str, **more: str) -> str:
    return manager.call({"Step": step, "SecretId": manager.world.application.name, "ClientRequestToken": token, **more})


def test_a_lone_test_starts_nothing_and_tries_what_is_current(world: ProxiedWorld, manager: SecretsManager) -> None:
    assert manager.rotate(only_test=True)
    assert manager.steps == ["testSecret"]
    assert not world.clockwork.executions
    whole(world)


def test_a_lone_test_fails_if_what_is_current_does_not_log_in(world: ProxiedWorld, manager: SecretsManager) -> None:
    world.source.accounts["openemr_a"].password = "another"
    assert not manager.rotate(only_test=True)
    assert manager.errors[0].startswith("LoginRefused: openemr_a does not log in")


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_step_for_the_version_that_is_current_already_is_nothing(world: ProxiedWorld, manager: SecretsManager, step: str) -> None:
    assert called(manager, step, world.application.labels().current) == ""
    assert not world.clockwork.executions


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_step_for_a_version_that_is_neither_is_an_error(world: ProxiedWorld, manager: SecretsManager, step: str) -> None:
    error = called(manager, step, str(uuid.uuid4()))
    assert error.startswith("VersionUnknown: version")
    assert "is neither AWSPENDING nor AWSCURRENT" in error
    assert not world.clockwork.executions


def test_labels_that_are_seen_late_are_waited_for(world: ProxiedWorld, manager: SecretsManager) -> None:
    token = str(uuid.uuid4())
    world.clockwork.later(4, lambda: aws.reserve(world.application.versions, token))
    assert called(manager, "testSecret", token) == ""


@pytest.mark.parametrize("step", ["create_secret", "set_secret", "test_secret", "finish_secret"])
def test_the_names_that_aws_s_guide_prints_are_taken_too_and_unknown_keys_left_alone(
    world: ProxiedWorld, manager: SecretsManager, step: str
) -> None:
    assert called(manager, step, world.application.labels().current, RotationToken="x", Tomorrow="y") == ""


def test_an_unknown_step_is_named(manager: SecretsManager) -> None:
    assert "there is no step dropSecret: AWS knows createSecret, setSecret" in called(manager, "dropSecret", "t")


def test_no_password_is_in_what_a_step_answers_or_raises(world: ProxiedWorld, manager: SecretsManager) -> None:
    manager.rotate()
    world.rest()
    manager.rotate(only_test=True)
    said = json.dumps([manager.errors, [place.cause for place in world.clockwork.executions.values()]])
    assert not [password for password in world.passwords if password in said]


def test_the_new_password_has_to_work_wherever_the_application_may_use_it(world: ProxiedWorld, manager: SecretsManager) -> None:
    """The proxy reads its secrets late; nothing is made current before it has."""
    takes = world.clock + 100
    logs_in = world.endpoint.logs_in
    world.endpoint.logs_in = lambda one: (one.username == "openemr_a" or world.clock > takes) and logs_in(one)  # type: ignore[method-assign]
    token = str(uuid.uuid4())
    world.clockwork.later(99, lambda: moved.append(world.application.labels().current == token))
    moved: list[bool] = []
    with retires(world):
        assert manager.rotate(token)
    assert moved == [False]
    assert world.clock > takes


def test_set_secret_waits_for_the_proxy_by_itself(world: ProxiedWorld, manager: SecretsManager) -> None:
    token = str(uuid.uuid4())
    aws.reserve(world.application.versions, token)
    assert called(manager, "createSecret", token) == ""
    world.sleep(10)
    world.endpoint.logs_in = lambda one: one.username == "openemr_a"  # type: ignore[method-assign]
    assert called(manager, "setSecret", token).startswith("RunTooSlow: after 78")
    assert called(manager, "testSecret", token).startswith("LoginRefused: the endpoint proxy.example:5432 refuses openemr_b")


def test_a_run_that_takes_longer_than_a_call_may_wait_is_found_again(world: ProxiedWorld, manager: SecretsManager) -> None:
    """An older retirement is finished first, and its drain takes as long as it takes."""
    world.start("ours", STARTS_OUR_RUN)
    world.sleep(8)
    stop(world)
    world.source.accounts["openemr_a"].sessions = 1
    world.clockwork.later(1000, lambda: world.source.accounts["openemr_a"].__setattr__("sessions", 0))
    with retires(world):
        assert manager.rotate()
    assert manager.errors[0].startswith("RunTooSlow: after 78")
    assert len(world.clockwork.executions) == 2


# ---- what refused rotations leave -----------------------------------------------------------------------------------------


@pytest.fixture
def refused(world: ProxiedWorld) -> ProxiedWorld:
    """Secrets Manager has given up, and AWSPENDING is still on a version that holds nothing."""
    aws.reserve(world.application.versions, str(uuid.uuid4()))
    return world


def test_verify_lets_secrets_manager_begin_again(refused: ProxiedWorld) -> None:
    pending = refused.application.labels().pending
    [finding] = [one for one in probe(refused, "release_rotation") if one.what == "application's secret"]
    assert (finding.severity, str(pending) in finding.found) == (Severity.WARNING, True)
    assert refused.application.labels().pending is None
    [finding] = [one for one in probe(refused, "release_rotation") if one.what == "application's secret"]
    assert finding.severity is Severity.OK
    with retires(refused):
        assert SecretsManager(refused).rotate()


def test_verify_touches_no_label_while_something_rotates(refused: ProxiedWorld) -> None:
    refused.start("ours", STARTS_OUR_RUN)
    refused.sleep(1)
    pending = refused.application.labels().pending
    assert [one.what for one in probe(refused, "release_rotation")] == ["target document", "slot secret", "slot secret"]
    assert refused.application.labels().pending == pending


def test_any_run_of_ours_lets_secrets_manager_begin_again(refused: ProxiedWorld) -> None:
    with retires(refused):
        refused.start("ours", STARTS_OUR_RUN)
    with retires(refused):
        assert SecretsManager(refused).rotate()


# ---- twenty -------------------------------------------------------------------------------------------------------------

Act = Callable[[ProxiedWorld, SecretsManager, random.Random], None]


def undisturbed(world: ProxiedWorld, manager: SecretsManager, chance: random.Random) -> None:
    assert manager.rotate()


def killed(world: ProxiedWorld, manager: SecretsManager, chance: random.Random) -> None:
    manager.seen_by_function = Disturbed(world, chance.randrange(1, len(CALLS)))
    assert manager.rotate()
    manager.seen_by_function = world


def beside(world: ProxiedWorld, manager: SecretsManager, chance: random.Random) -> None:
    """Whichever comes first, one of them rotates, or both do."""
    ours = f"ours-{chance.randrange(10**9)}"
    world.clockwork.later(chance.uniform(0, 10), lambda: world.clockwork.start(ours, STARTS_OUR_RUN))
    world.sleep(chance.uniform(0, 30))
    manager.rotate()


@pytest.mark.parametrize("number", range(12))
def test_whatever_is_killed_and_stopped_meanwhile_the_next_run_and_the_next_button_end_whole(
    world: ProxiedWorld, number: int
) -> None:
    chance = random.Random(number)  # noqa: S311 - chance, not secrets
    manager = SecretsManager(world)
    manager.seen_by_function = Disturbed(world, chance.randrange(1, len(CALLS)))
    world.clockwork.later(chance.uniform(0, 90), lambda: stop(world))
    world.clockwork.later(chance.uniform(0, 120), lambda: world.clockwork.start("ours", STARTS_OUR_RUN))
    manager.rotate()
    world.sleep(120)
    world.rest()
    world.clockwork.start("the next", STARTS_OUR_RUN)
    world.rest()
    with retires(world):
        assert SecretsManager(world).rotate()


def test_twenty_rotations_five_of_them_killed_and_five_beside_a_run_of_ours(world: ProxiedWorld) -> None:
    acts: list[Act] = [undisturbed] * 10 + [killed] * 5 + [beside] * 5
    chance = random.Random(20)  # noqa: S311 - chance, not secrets
    chance.shuffle(acts)
    for act in acts:
        manager, before = SecretsManager(world), used(world)
        act(world, manager, chance)
        world.rest()
        world.sleep(10)
        whole(world)
        assert not used(world).same_login(before) or act is beside
        assert not world.accepts(before) or used(world).same_login(before)
    assert world.requests > 1000
    assert world.failed == []
