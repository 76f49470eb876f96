"""Accidents of real instances at each state of a rotation: an agent dies, an instance is lost, one is launched. All in one
rotation, since they have nothing to do with each other. The others' requests are served, every file is whole, and all end on one
login."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from local.faults import Fault, meant
from local.follow import wait_for
from local.instances.fleet import Instance
from local.load import Load, Request, Results
from local.wordpress.row import LIGHT_ONES
from local.wordpress.site import TITLE
from local.wordpress.stack import WordPress
from tests.e2e.blog import PACE, WordPressTurns
from tests.e2e.blows import BLOG, FORWARD
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.until import until
from tests.watch import Watch
from tests.whole import only_in_the_whole

RATE = 10.0
UNDER_WAY_SECONDS = 2.0
"""Before an instance is lost: a request that was due then may still be on it."""
TEMPORARY = ".wp-config.rotation-"
pytestmark = only_in_the_whole


@dataclass
class Accidents:
    """What happens, and to whom."""

    turns: WordPressTurns
    lost: list[tuple[float, float]] = field(default_factory=list)
    """From when until when requests to an instance that is gone may have failed."""
    launched: list[str] = field(default_factory=list)

    @property
    def instances(self) -> list[Instance]:
        """As the machine tells them: the first alone, then the others."""
        return sorted(self.turns.stack.fleet.instances.values(), key=lambda one: one.id)

    def all_at_once(self) -> None:
        """An agent dies with what it runs, another instance is lost without a word, one is launched; then the agent is back."""
        victim, *_, gone = self.instances
        victim.kill_agent()
        began = time.time()
        self.turns.stack.fleet.lose(gone)
        self.lost.append((began - UNDER_WAY_SECONDS, time.time()))
        self.launched.append(self.turns.stack.fleet.launch().id)
        victim.start_agent()

    def die_at_the_rewrite(self, victim: Instance) -> None:
        """When the new file is being made."""
        with Watch(victim.config.parent, Watch.CREATED) as watch:
            watch.first(TEMPORARY)
            victim.kill_agent()
        victim.start_agent()

    def others_failures(self, requests: Results) -> list[Request]:
        return [one for one in requests.failures if not any(began <= one.at <= end for began, end in self.lost)]

    def assert_served(self, start: float) -> None:
        """Nobody's request failed but on an instance that was gone; who was launched served from the first on."""
        self.turns.stack.fleet.wait_until_serving()
        for name in self.launched:
            until(lambda name=name: any(one.pod == name for one in self.turns.requests_since(start).requests))  # type: ignore[misc]
        requests = self.turns.requests_since(start)
        assert self.others_failures(requests) == []
        assert [one for one in requests.requests if one.pod in self.launched and not one.ok] == []

    def assert_whole(self) -> None:
        """Each file says what is used, and nothing lies beside it."""
        self.turns.assert_at_rest()
        left = [path.name for one in self.instances for path in one.config.parent.glob(f"{TEMPORARY}*")]
        assert left == []


@pytest.fixture(scope="module")
def turns(request: pytest.FixtureRequest) -> Iterator[WordPressTurns]:
    start, struck = time.time(), request.config.stash.setdefault(MEASURED, [])
    with WordPress(3, PACE) as stack:
        with Load(stack.page, RATE, marker=TITLE, more=LIGHT_ONES) as load:
            turns = WordPressTurns(stack, load)
            yield turns
            requests = turns.requests_since(start)
        check(stack)
    struck.append(f"accidents of instances: requests: {requests.served} served, {len(requests.failures)} failed on lost ones")


@pytest.fixture
def accidents(turns: WordPressTurns) -> Iterator[Accidents]:
    turns.stack.aws.clear_faults()
    start, accidents = time.time(), Accidents(turns)
    yield accidents
    accidents.assert_served(start)


@pytest.mark.parametrize("state", BLOG.path(FORWARD))
def test_a_rotation_outlives_what_happens_to_instances(state: str, accidents: Accidents) -> None:
    turns, before = accidents.turns, [accidents.turns.active, accidents.turns.admin]
    run = turns.follow({state: accidents.all_at_once})
    assert run.outcome == "RotationSucceeded", run.cause
    assert [turns.accepts(login) for login in before] == [False, False]
    accidents.assert_whole()


def test_a_rotation_that_turns_back_outlives_it(accidents: Accidents) -> None:
    """All had the new login by then. Who is launched boots with it, and is not told as long as it boots: it works on, since nothing
    is withdrawn on the way back, and comes along with the next rotation."""
    turns, before = accidents.turns, accidents.turns.active
    error = {"errorType": BLOG.error, "errorMessage": "ordered by a test"}
    turns.stack.aws.fail(Fault(turns.stack.function(BLOG.fails), meant(BLOG.fails), error=error))
    run = turns.follow({"CloseFlip": accidents.all_at_once})
    assert (run.outcome, turns.active) == ("RolledBack", before), run.cause
    held = turns.stack.held()
    assert {place for place, login in held.items() if login != before} <= {f"wp-config.php of {accidents.launched[0]}"}
    assert [turns.accepts(login) for login in held.values()] == [True] * len(held)
    run = turns.run()
    assert run.outcome == "RotationSucceeded", run.cause
    accidents.assert_whole()


@pytest.mark.parametrize("which", [0, -1], ids=["the first that is told", "the last"])
def test_a_command_that_dies_at_the_rewrite_is_carried_out_by_the_next(which: int, accidents: Accidents) -> None:
    turns = accidents.turns
    arn = turns.start()
    accidents.die_at_the_rewrite(accidents.instances[which])
    run = wait_for(turns.stack, arn)
    assert run.outcome == "RotationSucceeded", run.cause
    accidents.assert_whole()


@pytest.mark.parametrize("which", [0, -1], ids=["the first that is told", "the last"])
def test_an_instance_without_php_has_all_put_back(which: int, accidents: Accidents) -> None:
    turns, before, victim = accidents.turns, accidents.turns.active, accidents.instances[which]
    victim.programs.remove("php")
    run = turns.run()
    victim.programs.add("php")
    assert (run.outcome, turns.active) == ("RolledBack", before)
    assert f"WriteWpConfig failed with PhpMissing: instance {victim.id}" in run.cause
    accidents.assert_whole()
