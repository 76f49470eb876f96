"""What the living world has behind a proxy: readers that are late, and Secrets Manager that rotates by itself."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rotation.core.model import CURRENT, SecretText, Slot

from local import secret_labels as aws
from tests.worlds.behind_proxy import CACHE_SECONDS, IDLE_SECONDS, PROXY_SECONDS, ProxiedWorld
from tests.worlds.living import STALE_SECONDS
from tests.worlds.proxied import OTHERS
from tests.worlds.world import MARK, RING, USERS, credential, login

A, B = USERS[Slot.A], USERS[Slot.B]
TOKEN = "5ec2e750-0000-4000-8000-000000000001"


@pytest.fixture
def world() -> ProxiedWorld:
    return ProxiedWorld(rotated_to=TOKEN)


def moved(world: ProxiedWorld) -> None:
    world.traffic().publish(login(Slot.B), MARK)


def new_password(world: ProxiedWorld, slot: Slot = Slot.B) -> None:
    """Of one user, in the database and in the proxy's secret."""
    world.account(slot).password = "canary-new"
    world.keepers(USERS[slot])[0].publish(credential(USERS[slot], "canary-new"), MARK)


CHANGES: dict[str, Callable[[ProxiedWorld], object]] = {
    "the application's secret": moved,
    "a proxy secret": new_password,
    "a version that is only named": lambda world: aws.reserve(world.application.versions, "another"),
    "a label": lambda world: world.rotated.let_go(TOKEN),
    "a step of Secrets Manager's": lambda world: world.__setattr__("rotation", replace(world.rotation, step=1)),  # type: ignore[type-var]
    "an execution that it has started": lambda world: world.start("secret-1", {}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_after_a_snapshot_is_seen_and_undone(world: ProxiedWorld, change: Callable[[ProxiedWorld], object]) -> None:
    kept, key = world.snapshot(), world.key()
    for _ in range(2):
        change(world)
        assert world.key() != key
        world.restore(kept)
        assert (world.snapshot(), world.key()) == (kept, key)


def test_time_makes_no_other_world_once_nobody_goes_on_with_what_was_read(world: ProxiedWorld) -> None:
    world.end_rotation()
    moved(world)
    new_password(world, Slot.A)
    young = world.key()
    world.pass_time(CACHE_SECONDS + 1)
    old = world.key()
    world.pass_time(60.0)
    assert (old == young, world.key() == old) == (False, True)


def test_the_application_goes_on_with_what_it_read_longer_than_anybody_sees_it(world: ProxiedWorld) -> None:
    moved(world)
    world.pass_time(STALE_SECONDS + IDLE_SECONDS)
    assert [world.account(slot).sessions for slot in RING] == [1, 1]
    world.pass_time(0.5)
    assert [world.account(slot).sessions for slot in RING] == [0, 1]
    assert world.lingering() == [login(Slot.B), login(Slot.A)]
    world.pass_time(CACHE_SECONDS - STALE_SECONDS - IDLE_SECONDS)
    assert world.lingering() == [login(Slot.B)]


def test_the_proxy_knows_a_new_password_late_and_the_old_one_just_as_long(world: ProxiedWorld) -> None:
    new_password(world)
    new = credential(B, "canary-new")
    assert (world.gets_in(new), world.proxy_knows(login(Slot.B))) == (False, True)
    world.pass_time(PROXY_SECONDS + 0.5)
    assert (world.gets_in(new), world.proxy_knows(login(Slot.B))) == (True, False)


def test_who_gets_in_needs_the_database_and_the_proxy(world: ProxiedWorld) -> None:
    assert [world.gets_in(login(slot)) for slot in RING] == [True, True]
    assert not world.gets_in(credential("somebody", "x"))
    world.account(Slot.A).password = "canary-drifted"
    assert not world.gets_in(login(Slot.A))


def test_a_version_of_somebody_else_makes_secrets_manager_abandon_its_rotation(world: ProxiedWorld) -> None:
    assert world.application.labels().pending == TOKEN
    moved(world)
    assert (world.application.labels().pending, world.rotates) == (None, None)


def test_a_stubborn_one_does_not_notice(world: ProxiedWorld) -> None:
    world.abandons = False
    moved(world)
    assert (world.application.labels().pending, world.rotates and world.rotates.token) == (TOKEN, TOKEN)


def test_its_own_version_is_no_reason(world: ProxiedWorld) -> None:
    world.rotated.put_pending(TOKEN, login(Slot.B))
    assert world.rotates
    assert world.rotated.make_current(TOKEN, removed_from="v0")
    assert world.held == login(Slot.B)


def test_the_next_run_is_the_one_that_secrets_manager_started(world: ProxiedWorld) -> None:
    assert world.execution("secret-x-1") is None
    world.start("secret-x-1", {})
    started = world.execution("secret-x-1")
    assert started
    assert started.running
    assert world.begins(1) == ("secret-x-1", {"secret_version": TOKEN})
    assert world.begins(2) == ("run-2", {}), "it has started no other: somebody else does"


def test_a_secret_keeps_what_is_not_ours(world: ProxiedWorld) -> None:
    moved(world)
    content = json.loads(aws.find(world.application.versions, None, CURRENT)["secret_string"])
    assert {key: content[key] for key in OTHERS} == OTHERS


def test_only_a_label_that_means_something_makes_a_version_count(world: ProxiedWorld) -> None:
    world.application.put_once("staged", SecretText(json.dumps({"username": "x", "password": "y"})))
    assert {content["username"] for content in world.application.contents()} == {A}
