"""CreateSwarmSecret and the phases of a service, over a Swarm in memory: forward, back, after the drain, and what goes wrong."""

from typing import Any

import pytest
from rotation.consumers.swarm.spec import mounted
from rotation.consumers.swarm.versions import VERSION
from rotation.core.errors import (
    LoginRefused,
    RolloutTooSlow,
    RotationSuperseded,
    SecretNotFinished,
    ServiceUnfit,
    ServiceUpdateFailed,
    VersionDiffers,
)
from rotation.core.model import Slot
from rotation.protocol.telling import PUT_SECONDS
from rotation.steps.check_drained import check_drained
from rotation.steps.claim_rotation import claim_rotation
from rotation.steps.create_swarm_secret import create_swarm_secret
from rotation.steps.flip_slot import flip_slot
from rotation.steps.prepare_service import CLEAN_UP, CUT_OVER, PREPARE, VALIDATE, prepare_service
from rotation.steps.publish import publish
from rotation.steps.read_slots import read_slots
from rotation.steps.sync_users import sync_users

from local import secret_labels as aws
from tests.worlds.in_a_swarm import PASSWORD, SERVICE, SHELF, TRAFFIC, SwarmWorld
from tests.worlds.run import Run, refused
from tests.worlds.world import USERS, login


class InASwarm(Run):
    """A run there, with the loops of the machine around its states."""

    world: SwarmWorld

    def __init__(self, world: SwarmWorld) -> None:
        super().__init__(world)
        self.event |= {"drain": {}, "secret_version": "", "moved": {}, "put": {}}

    def claimed(self) -> "InASwarm":
        self.event["situation"] = self.ask(read_slots)
        self.event["entry"] = self.event["situation"]["entry"]
        self.event["claim"] = self.ask(claim_rotation)
        self.ask(sync_users)
        return self

    def create(self) -> dict[str, Any]:
        return self.ask(create_swarm_secret, consumer={"index": SHELF}, moved={})

    def move(self, phase: str) -> dict[str, Any]:
        """Once."""
        self.event["moved"] = self.ask(prepare_service, consumer={"index": SERVICE}, phase=phase)
        return dict(self.event["moved"])

    def moved(self, *phases: str) -> "InASwarm":
        """As often as it takes."""
        for phase in phases:
            while self.move(phase)["status"] != "complete":
                self.world.pass_time(self.event["moved"]["wait_seconds"])
        return self

    def put(self) -> None:
        self.ask(publish, consumer={"index": TRAFFIC})

    def flipped(self) -> "InASwarm":
        self.create()
        self.moved(PREPARE, VALIDATE, CUT_OVER).put()
        self.ask(flip_slot)
        self.event["moved"] = {}
        return self

    def look(self) -> str:
        self.event["drain"] = self.ask(check_drained)
        return str(self.event["drain"]["status"])

    def back(self) -> "InASwarm":
        self.event |= {"direction": "restore", "entry": "A", "moved": {}}
        return self


@pytest.fixture
def world() -> SwarmWorld:
    return SwarmWorld()


@pytest.fixture
def run(world: SwarmWorld) -> InASwarm:
    return InASwarm(world).claimed()


def users(world: SwarmWorld) -> set[str]:
    """As whom the tasks work."""
    return {world._login(one).username for one in world.swarm.running("web")}


def files(world: SwarmWorld) -> list[str]:
    """Those of the password."""
    of = world.swarm.service("web").spec["TaskTemplate"]["ContainerSpec"]
    return [one.name for one in mounted(of) if one.name.startswith(PASSWORD)]


def stored(world: SwarmWorld) -> list[str]:
    return [one["Spec"]["Name"] for one in world.swarm.secrets.values() if one["Spec"]["Name"].startswith(PASSWORD)]


A, B = USERS[Slot.A], USERS[Slot.B]


# Forward


def test_the_login_is_there_before_anything_reads_it(world: SwarmWorld, run: InASwarm) -> None:
    answer = run.create()
    assert answer["status"] == "complete"
    assert (stored(world), files(world)) == ([f"{PASSWORD}_v1", f"{PASSWORD}_v2"], [f"{PASSWORD}_v1"])
    labelled = {one["Spec"]["Labels"].get(VERSION) for one in world.swarm.secrets.values()} - {None}
    assert labelled == {answer["version"]}


def test_a_service_has_both_files_then_uses_the_new_one(world: SwarmWorld, run: InASwarm) -> None:
    run.create()
    run.moved(PREPARE)
    assert (users(world), files(world)) == ({A}, [f"{PASSWORD}_v1", f"{PASSWORD}_v2"])
    run.moved(VALIDATE)
    assert users(world) == {A}
    run.moved(CUT_OVER)
    assert (users(world), files(world)) == ({B}, [f"{PASSWORD}_v1", f"{PASSWORD}_v2"])


def test_the_version_is_current_only_when_services_have_it(world: SwarmWorld, run: InASwarm) -> None:
    before = world.application.labels().current
    run.create()
    version = run.moved(PREPARE, VALIDATE, CUT_OVER).event["moved"]["version"]
    assert world.application.labels().current == before
    run.put()
    assert world.application.labels().current == version


def test_what_does_not_log_in_is_not_made_and_nobody_is_prepared_for_it(world: SwarmWorld, run: InASwarm) -> None:
    made = world.account(Slot.B)
    password, made.password = made.password, "canary-of-b-changed"
    with refused(world, LoginRefused, B):
        run.create()
    assert stored(world) == [f"{PASSWORD}_v1"]
    made.password = password
    run.create()
    made.password = "canary-of-b-changed"
    with refused(world, LoginRefused, B):
        run.move(PREPARE)
    assert files(world) == [f"{PASSWORD}_v1"]


def test_what_stops_to_log_in_is_not_cut_over_to(world: SwarmWorld, run: InASwarm) -> None:
    run.create()
    run.moved(PREPARE)
    world.account(Slot.B).password = "canary-of-b-changed"
    for phase in (VALIDATE, CUT_OVER):
        with refused(world, LoginRefused, B):
            run.move(phase)
    assert users(world) == {A}


def test_who_has_lost_the_intent_does_nothing(world: SwarmWorld, run: InASwarm) -> None:
    world.slots.swap("AWSPENDING", to=None, removed_from=run.claim)
    with refused(world, RotationSuperseded):
        run.create()
    with refused(world, RotationSuperseded):
        run.move(PREPARE)
    assert (stored(world), files(world)) == ([f"{PASSWORD}_v1"], [f"{PASSWORD}_v1"])


def test_a_call_whose_answer_was_lost_is_found_by_the_next(world: SwarmWorld, run: InASwarm) -> None:
    first, again = run.create(), run.create()
    assert first["version"] == again["version"]
    assert len(stored(world)) == 2
    run.move(PREPARE)
    run.event["moved"] = {}
    run.move(PREPARE)
    assert sum(one.endswith("/update") for one in world.journal.writes) == 1
    run.moved(PREPARE)


def test_an_answer_carries_ids_and_times_only(world: SwarmWorld, run: InASwarm) -> None:
    run.flipped()
    said = str(run.answers)
    assert [password for password in world.passwords if password in said] == []


def test_a_version_of_secrets_manager_s_is_waited_for_and_then_told(world: SwarmWorld, run: InASwarm) -> None:
    token = "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11"
    aws.reserve(world.application.versions, token)
    run.event["secret_version"] = token
    assert run.create()["status"] == "waiting"
    assert run.move(PREPARE)["phase"] == ""
    world.rotated.put_pending(token, login(Slot.B))
    assert run.create()["version"] == token
    assert run.moved(PREPARE).event["moved"]["version"] == token


def test_a_version_that_secrets_manager_never_puts_is_given_up(world: SwarmWorld, run: InASwarm) -> None:
    run.event["secret_version"] = "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11"
    run.move(PREPARE)
    world.pass_time(PUT_SECONDS + 1)
    with refused(world, SecretNotFinished):
        run.move(PREPARE)


def test_a_version_that_holds_another_login_is_not_cut_over_to(world: SwarmWorld, run: InASwarm) -> None:
    run.create()
    run.moved(PREPARE)
    run.event["moved"]["version"] = world.application.labels().current
    with refused(world, VersionDiffers, B):
        run.move(VALIDATE)


def test_an_update_that_does_not_end_says_what_it_waits_for(world: SwarmWorld, run: InASwarm) -> None:
    run.create()
    world.swarm.kill("w1")
    run.move(PREPARE)
    for _ in range(int(world.target.rollout_deadline_seconds / 10)):
        world.swarm.nodes["w1"].down_since = world.clock - 20
        world.pass_time(10)
        run.move(PREPARE)
    world.swarm.nodes["w1"].down_since = world.clock - 20
    world.pass_time(1)
    with refused(world, RolloutTooSlow, "w1"):
        run.move(PREPARE)


def test_a_pause_of_the_swarm_s_ends_it(world: SwarmWorld, run: InASwarm) -> None:
    run.create()
    world.swarm.unhealthy |= {one["ID"] for one in world.swarm.secrets.values() if one["Spec"]["Labels"].get(VERSION)}
    with refused(world, ServiceUpdateFailed, "web"):
        run.moved(PREPARE)
    assert users(world) == {A}


def test_a_service_that_cannot_be_updated_is_refused_before_anything_is_claimed(world: SwarmWorld) -> None:
    service = world.swarm.service("web")
    service.spec = {**service.spec, "Mode": {"Global": {}}}
    with refused(world, ServiceUnfit, "global"):
        InASwarm(world).ask(read_slots)


# Back


@pytest.mark.parametrize("reached", [(), (PREPARE,), (PREPARE, VALIDATE, CUT_OVER)])
def test_the_way_back_is_one_state_from_wherever_it_is(world: SwarmWorld, run: InASwarm, reached: tuple[str, ...]) -> None:
    run.create()
    run.moved(*reached).back()
    run.create()
    run.moved(PREPARE)
    assert users(world) == {A}
    assert len(files(world)) == 1


# After the flip


def test_as_long_as_a_task_has_the_old_login_nothing_is_quiet(world: SwarmWorld, run: InASwarm) -> None:
    run.flipped()
    world.pass_time(10)
    world.swarm.tasks[0].state, world.swarm.tasks[0].node = "running", "w1"
    old = next(one for one in world.swarm.tasks if world._login(one).username == A)
    old.state, old.desired, old.node = "running", "shutdown", "w1"
    world.swarm.kill("w1")
    assert run.look() == "waiting"
    assert run.event["drain"]["quiet_since"] is None


def test_who_puts_the_old_names_back_has_everything_published_once_more(world: SwarmWorld, run: InASwarm) -> None:
    run.flipped()
    world.pass_time(10)
    world.deploy()
    assert run.look() == "republish"


def test_what_is_old_goes_after_the_drain(world: SwarmWorld, run: InASwarm) -> None:
    run.flipped()
    run.event["direction"] = "retire"
    run.moved(CLEAN_UP)
    assert (users(world), files(world)) == ({B}, [f"{PASSWORD}_v2"])
    assert stored(world) == [f"{PASSWORD}_v1", f"{PASSWORD}_v2"], "the first one a person has made"
