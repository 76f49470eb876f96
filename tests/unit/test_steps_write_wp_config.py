"""WriteWpConfig over instances in memory: one first, then all; the way back; whoever does not answer; whoever comes and goes."""

from dataclasses import replace
from typing import Any

import pytest
from rotation.core.errors import (
    CommandNotDelivered,
    DrainTooSlow,
    InstanceSilent,
    InstancesMissing,
    LoginRefused,
    PageBad,
    RotationSuperseded,
    SecretNotFinished,
    SecretUnreadable,
    VersionDiffers,
)
from rotation.core.fleet import WRITE, Telling
from rotation.core.model import CURRENT, Mark, Slot
from rotation.protocol.request import Request
from rotation.protocol.telling import PUT_SECONDS
from rotation.steps.check_drained import check_drained
from rotation.steps.claim_rotation import claim_rotation
from rotation.steps.flip_slot import flip_slot
from rotation.steps.publish import publish
from rotation.steps.read_slots import read_slots
from rotation.steps.sync_users import sync_users
from rotation.steps.write_wp_config import write_wp_config

from local import secret_labels as aws
from tests.faults.calls.wordpress import on_instances_as_the_admin
from tests.worlds.fleet import FIRST, LAUNCHED, SECOND
from tests.worlds.run import Run, refused
from tests.worlds.wordpress import FLEET, TRAFFIC, WordPressWorld
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, USERS, credential, login

A, B = login(Slot.A), login(Slot.B)


class OnInstances(Run):
    """A run there, with the loop of the machine around WriteWpConfig."""

    world: WordPressWorld

    def __init__(self, world: WordPressWorld) -> None:
        super().__init__(world)
        self.event |= {"drain": {}, "secret_version": "", "instances": {}, "put": {}}

    def claimed(self) -> "OnInstances":
        self.event["situation"] = self.ask(read_slots)
        self.event["entry"] = self.event["situation"]["entry"]
        self.event["claim"] = self.ask(claim_rotation)
        self.ask(sync_users)
        return self

    def write(self) -> dict[str, Any]:
        """Once."""
        self.event["instances"] = self.ask(write_wp_config, consumer={"index": FLEET})
        return dict(self.event["instances"])

    def written(self) -> "OnInstances":
        """As often as it takes."""
        while self.write()["status"] != "complete":
            self.world.pass_time(self.event["instances"]["wait_seconds"])
        return self

    def put(self) -> None:
        self.ask(publish, consumer={"index": TRAFFIC})

    def flipped(self) -> "OnInstances":
        self.claimed().written().put()
        self.ask(flip_slot)
        self.event["instances"] = {}
        return self

    def look(self) -> str:
        self.event["drain"] = self.ask(check_drained)
        return str(self.event["drain"]["status"])

    def waited(self) -> None:
        """Until it gives up, which it does soon, or all is quiet."""
        self.world.target = replace(self.world.target, drain_deadline_seconds=DEADLINE_SECONDS)
        while self.look() == "waiting":
            self.world.pass_time(self.event["drain"]["wait_seconds"])

    def back(self) -> "OnInstances":
        self.event |= {"direction": "restore", "entry": "A", "instances": {}}
        return self


@pytest.fixture
def world() -> WordPressWorld:
    return WordPressWorld()


@pytest.fixture
def run(world: WordPressWorld) -> OnInstances:
    return OnInstances(world).claimed()


def held(world: WordPressWorld) -> dict[str, str]:
    return {one.id: one.holds.username for one in world.instances.machines}


def told(world: WordPressWorld) -> list[tuple[str, str]]:
    return [(one.instance, one.telling.version) for one in world.instances.commands if one.telling.action == WRITE]


# Forward


def test_one_is_told_first_and_the_others_when_it_is_well(world: WordPressWorld, run: OnInstances) -> None:
    assert run.write()["status"] == "waiting"
    assert [name for name, _ in told(world)] == [FIRST]
    run.write()
    assert [name for name, _ in told(world)] == [FIRST], "it is still at it"
    world.pass_time(2)
    run.write()
    assert [name for name, _ in told(world)] == [FIRST, SECOND]
    world.pass_time(2)
    assert run.write()["status"] == "complete"
    assert held(world) == {FIRST: USERS[Slot.B], SECOND: USERS[Slot.B]}


def test_the_version_that_they_are_told_of_is_the_one_that_becomes_current(world: WordPressWorld, run: OnInstances) -> None:
    before = world.application.labels().current
    version = run.written().event["instances"]["version"]
    assert world.application.labels().current == before, "nothing is current before all have it"
    run.put()
    assert world.application.labels().current == version
    assert {version for _, version in told(world)} == {version}


def test_what_is_told_has_logged_in(world: WordPressWorld, run: OnInstances) -> None:
    world.account(Slot.B).password = "canary-of-b-changed"
    with refused(world, LoginRefused, USERS[Slot.B]):
        run.write()
    assert told(world) == []


def test_who_has_lost_the_intent_tells_nobody(world: WordPressWorld, run: OnInstances) -> None:
    world.slots.swap("AWSPENDING", to=None, removed_from=run.claim)
    with refused(world, RotationSuperseded):
        run.write()
    assert told(world) == []


def test_the_first_that_does_not_show_its_page_spares_the_others(world: WordPressWorld, run: OnInstances) -> None:
    world.instances.change(FIRST, shows=False)
    run.write()
    world.pass_time(2)
    with refused(world, PageBad, FIRST):
        run.write()
    assert [name for name, _ in told(world)] == [FIRST]
    run.back().written()
    assert held(world) == {FIRST: USERS[Slot.A], SECOND: USERS[Slot.A]}


def test_a_call_whose_answer_was_lost_is_found_by_the_next(world: WordPressWorld, run: OnInstances) -> None:
    run.write()
    run.event["instances"] = {}  # the machine never heard of it
    world.pass_time(2)
    run.written()
    assert [name for name, _ in told(world)] == [FIRST, SECOND]


def test_an_answer_carries_ids_and_times_only(world: WordPressWorld, run: OnInstances) -> None:
    run.written()
    assert not [password for password in world.passwords if password in repr(run.answers)]
    assert set(run.answers[-1]) == {"began", "version", "status", "wait_seconds"}


def test_an_application_that_works_as_the_admin_gets_users_of_its_own() -> None:
    world = on_instances_as_the_admin()
    assert isinstance(world, WordPressWorld)
    OnInstances(world).flipped()
    assert {*held(world).values(), world.held.username} == {USERS[Slot.A]}
    assert world.accepts(credential(ADMIN, ADMIN_PASSWORD)), "nothing is withdrawn yet"


# Whoever comes and goes


def test_nobody_in_service_is_refused_before_anything_is_touched(world: WordPressWorld) -> None:
    world.instances.machines = ()
    with refused(world, InstancesMissing, "app=openemr"):
        OnInstances(world).claimed()
    assert world.slots.labels().pending is None


def test_an_instance_that_ends_is_no_failure(world: WordPressWorld, run: OnInstances) -> None:
    run.write()
    world.instances.end(FIRST)
    run.written()
    assert held(world) == {SECOND: USERS[Slot.B]}


def test_one_that_boots_is_not_waited_for_and_not_told(world: WordPressWorld, run: OnInstances) -> None:
    world.instances.launch()
    run.written()
    assert {name for name, _ in told(world)} == {FIRST, SECOND}


def test_one_whose_agent_comes_back_is_told_then(world: WordPressWorld, run: OnInstances) -> None:
    world.instances.change(SECOND, silent_until=world.clock + 15)
    run.written()
    assert held(world)[SECOND] == USERS[Slot.B]


def test_one_that_never_answers_is_named_when_time_is_up(world: WordPressWorld, run: OnInstances) -> None:
    world.instances.change(SECOND, silent_until=world.clock + 10_000)
    with refused(world, InstanceSilent, SECOND):
        run.written()
    assert held(world) == {FIRST: USERS[Slot.B], SECOND: USERS[Slot.A]}


def test_of_many_that_never_answer_a_few_are_named(world: WordPressWorld, run: OnInstances) -> None:
    machine = world.instances.machine(SECOND)
    silent = (replace(machine, id=f"i-9{number:02}", silent_until=world.clock + 10_000) for number in range(49))
    world.instances.machines = (world.instances.machine(FIRST), *silent)
    few = "i-900, i-901, i-902 and 46 more"
    with refused(world, InstanceSilent, f"no answer of {few} (rollout.deadline_seconds); without a connected agent: {few}"):
        run.written()


def test_one_that_takes_no_command_is_told_again_and_given_up_in_the_end(world: WordPressWorld, run: OnInstances) -> None:
    run.write()
    world.pass_time(2)
    telling = Telling(WRITE, run.event["instances"]["version"], mark=Request(run.event).mark)
    for _ in range(3):
        world.instances.change(SECOND, silent_until=world.clock + 100)
        world.instances.tell(telling, [SECOND])
        world.pass_time(13)
        world.instances.change(SECOND, silent_until=0.0)
    with refused(world, CommandNotDelivered, SECOND):
        run.write()


def test_who_is_still_at_an_earlier_write_is_not_told_anew(world: WordPressWorld, run: OnInstances) -> None:
    """Which of two ends last nobody knows."""
    world.instances.change(FIRST, delay=11.0)
    world.instances.tell(Telling(WRITE, world.application.labels().current, mark="run-0"), [FIRST])
    world.instances.change(FIRST, delay=1.0)
    run.write()
    assert [name for name, _ in told(world)] == [FIRST]
    world.pass_time(12)
    run.write()
    assert [name for name, _ in told(world)] == [FIRST, FIRST]


# Back


def test_the_way_back_tells_all_at_once_and_asks_no_page(world: WordPressWorld, run: OnInstances) -> None:
    run.written()
    world.instances.change(FIRST, shows=False)
    run.back().write()
    assert [one.telling.careful for one in world.instances.commands][-2:] == [False, False]
    world.pass_time(2)
    assert run.write()["status"] == "complete"
    assert held(world) == {FIRST: USERS[Slot.A], SECOND: USERS[Slot.A]}


@pytest.mark.parametrize("more", [{"silent_until": 1e9}, {"refuses": "PhpMissing"}], ids=["offline", "no PHP"])
def test_on_the_way_back_one_that_cannot_be_told_and_was_never_written_is_not_waited_for(
    world: WordPressWorld, run: OnInstances, more: dict[str, Any]
) -> None:
    world.instances.change(SECOND, **more)
    run.write()
    world.pass_time(2)
    run.back().written()
    assert held(world) == {FIRST: USERS[Slot.A], SECOND: USERS[Slot.A]}


def test_on_the_way_back_one_that_was_written_and_is_silent_is_named_and_the_others_are_back(
    world: WordPressWorld, run: OnInstances
) -> None:
    run.written()
    world.instances.change(SECOND, silent_until=world.clock + 10_000)
    with refused(world, InstanceSilent, SECOND):
        run.back().written()
    assert held(world) == {FIRST: USERS[Slot.A], SECOND: USERS[Slot.B]}


def test_once_another_version_was_current_who_cannot_be_told_may_have_booted_with_that(
    world: WordPressWorld, run: OnInstances
) -> None:
    world.instances.change(SECOND, refuses="SecretUnreadable")
    run.write()
    world.application.swap(CURRENT, to=run.event["instances"]["version"], removed_from=world.application.labels().current)
    with refused(world, SecretUnreadable, SECOND):
        run.back().written()


def test_as_long_as_a_write_is_under_way_it_is_waited_for(world: WordPressWorld, run: OnInstances) -> None:
    """It may have begun before the agent was lost."""
    world.instances.change(FIRST, delay=20.0)
    run.write()
    world.instances.change(FIRST, silent_until=world.clock + 10_000)
    assert run.back().write()["status"] == "waiting"
    world.pass_time(13)
    assert run.written().event["instances"]["status"] == "complete"
    assert held(world) == {FIRST: USERS[Slot.A], SECOND: USERS[Slot.A]}


def test_the_way_back_without_anybody_in_service_is_done(world: WordPressWorld, run: OnInstances) -> None:
    run.written()
    world.instances.machines = ()
    assert run.back().write()["status"] == "complete"


# Where Secrets Manager rotates the secret

TOKEN = "5ec2e750-0000-4000-8000-000000000001"


@pytest.fixture
def rotated(world: WordPressWorld) -> OnInstances:
    aws.reserve(world.application.versions, TOKEN)
    run = OnInstances(world)
    run.event["secret_version"] = TOKEN
    return run.claimed()


def test_secrets_manager_s_own_version_is_waited_for_and_told(world: WordPressWorld, rotated: OnInstances) -> None:
    assert (rotated.write()["version"], told(world)) == ("", [])
    world.rotated.put_pending(TOKEN, B)
    rotated.written()
    assert {version for _, version in told(world)} == {TOKEN}


def test_a_version_that_secrets_manager_never_puts_is_given_up(world: WordPressWorld, rotated: OnInstances) -> None:
    rotated.write()
    world.pass_time(PUT_SECONDS + 1)
    with refused(world, SecretNotFinished, TOKEN):
        rotated.write()


def test_a_version_of_secrets_manager_s_with_another_login_is_told_to_nobody(world: WordPressWorld, rotated: OnInstances) -> None:
    world.rotated.put_pending(TOKEN, login(Slot.C))
    with refused(world, VersionDiffers, TOKEN):
        rotated.write()
    assert told(world) == []


# The drain


def test_all_are_asked_before_the_quiet_period_begins_and_at_its_end(world: WordPressWorld) -> None:
    run = OnInstances(world).flipped()
    looks = []
    for _ in range(12):
        status = run.look()
        looks.append((run.event["drain"]["quiet_since"], sum(one.telling.action == "look" for one in world.instances.commands)))
        if status == "drained":
            break
        world.pass_time(run.event["drain"]["wait_seconds"])
    assert status == "drained"
    assert looks[0] == (None, 2), "asked, and nothing heard yet"
    assert looks[1][0] is not None, "heard: the quiet period begins"
    assert run.event["drain"]["quiet_since"] == looks[1][0]
    asked = [one.asked for one in world.instances.commands if one.telling.action == "look"]
    assert max(asked) >= looks[1][0] + world.target.quiet_seconds, "and asked again"


def test_one_that_holds_another_version_has_everything_published_once_more(world: WordPressWorld) -> None:
    run = OnInstances(world).flipped()
    world.instances.change(SECOND, holds=A)
    run.look()
    world.pass_time(10)
    assert run.look() == "republish"
    run.written()
    assert held(world)[SECOND] == USERS[Slot.B]


LONG = 100_000.0
DEADLINE_SECONDS = 100
DISTURBS = {"boots": "launched", "has not said what it holds": "silent_until"}


@pytest.mark.parametrize("said", DISTURBS)
def test_who_keeps_a_drain_from_its_end_is_named(said: str, world: WordPressWorld) -> None:
    run = OnInstances(world).flipped()
    world.instances.change(SECOND, **{DISTURBS[said]: world.clock + LONG})
    with refused(world, DrainTooSlow, f"(drain.deadline_seconds); {world.instances.name}: {said}: {SECOND}"):
        run.waited()


def test_a_drain_that_only_a_session_keeps_names_no_instance(world: WordPressWorld) -> None:
    run = OnInstances(world).flipped()
    world.job = (world.clock + LONG, A)
    world.job_on_a_reader = True
    with pytest.raises(DrainTooSlow, match=r"\(drain.deadline_seconds\)$"):
        run.waited()


def test_one_that_boots_or_does_not_answer_keeps_the_quiet_period_from_beginning(world: WordPressWorld) -> None:
    run = OnInstances(world).flipped()
    world.instances.launch()
    world.instances.change(LAUNCHED, launched=world.clock + 60)
    for _ in range(4):
        assert run.look() == "waiting"
        assert run.event["drain"]["quiet_since"] is None
        world.pass_time(10)


def test_as_long_as_a_write_is_under_way_nothing_is_withdrawn(world: WordPressWorld) -> None:
    """Of whatever run: it may end after the look."""
    run = OnInstances(world).flipped()
    world.instances.change(SECOND, delay=300.0)
    world.instances.tell(Telling(WRITE, world.application.labels().previous or "", mark="run-0"), [SECOND])
    world.instances.change(SECOND, delay=1.0)
    for _ in range(20):
        assert run.look() == "waiting"
        assert run.event["drain"]["quiet_since"] is None
        world.pass_time(10)


def test_a_version_is_put_once_for_one_publish(world: WordPressWorld) -> None:
    first = world.rotated.put(B, Mark("run-1"))
    assert world.rotated.put(B, Mark("run-1")) == first
    assert world.rotated.put(B, Mark("run-2")) != first
    assert world.rotated.put(A, Mark("run-1")) == aws.holder_of(world.application.versions, CURRENT)
