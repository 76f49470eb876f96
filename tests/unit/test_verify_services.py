"""Mode verify of services in a Swarm: whether the Swarm can be reached, what each service has, and what would not go well."""

import pytest
from rotation.core.findings import Severity
from rotation.protocol.probes import probe

from tests.unit.test_steps_in_a_swarm import InASwarm
from tests.worlds.in_a_swarm import SwarmWorld


@pytest.fixture
def world() -> SwarmWorld:
    return SwarmWorld()


def seen(world: SwarmWorld, function: str = "read_slots") -> list[tuple[Severity, str]]:
    found = [(one.severity, f"{one.found}; {one.mend}") for one in probe(world, function) if one.what == "services"]
    assert not [password for password in world.passwords if password in repr(found)]
    return found


def said_of(world: SwarmWorld, action: str) -> list[Severity]:
    service = world.swarm.service("web")
    service.spec = {**service.spec, "UpdateConfig": {**service.spec["UpdateConfig"], "FailureAction": action}}
    return [severity for severity, said in seen(world) if "failure action rollback" in said]


def test_what_a_person_has_mounted_is_to_be_published(world: SwarmWorld) -> None:
    ((severity, said),) = seen(world)
    assert severity is Severity.WARNING
    assert "the first rotation, or the next, publishes it" in said


def test_what_a_rotation_has_brought_is_well(world: SwarmWorld) -> None:
    InASwarm(world).claimed().flipped()
    world.pass_time(10)
    assert [severity for severity, _ in seen(world)] == [Severity.OK]


@pytest.mark.parametrize(("action", "warned"), [("rollback", [Severity.WARNING]), ("pause", []), ("continue", [])])
def test_a_swarm_that_goes_back_by_itself_is_said(action: str, warned: list[Severity], world: SwarmWorld) -> None:
    assert said_of(world, action) == warned


def test_one_that_cannot_be_updated_fails(world: SwarmWorld) -> None:
    service = world.swarm.service("web")
    service.spec = {**service.spec, "Mode": {"Replicated": {"Replicas": 0}}}
    ((severity, said),) = seen(world)
    assert (severity, "ServiceUnfit" in said, "scaled to 0" in said) == (Severity.FAILED, True, True)
