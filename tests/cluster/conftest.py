"""One local stack on a real control plane, under load, for all tests here; with the stand-in there is nothing to run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from rotation.aws import client as adapter
from rotation.consumers.cluster import eks

from local import canary
from local.cluster.kinds import REAL, chosen
from local.cluster.tokens import PERSON
from local.load import Load
from local.rollouts import RolloutWatch
from local.stack import SECRET_KEY, LocalStack
from tests.cluster.api import Api
from tests.cluster.world import PACE, World

collect_ignore_glob = [] if chosen() == REAL else ["test_*.py"]

RATE = 50
MEASURED = pytest.StashKey[list[str]]()
"""Lines for the end of the session."""


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    lines = request.config.stash.setdefault(MEASURED, [])
    return lines.append


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    with LocalStack(pods=3, pace=PACE, cluster=REAL) as stack:
        yield stack
        found = canary.search(stack)
    assert found == [], "after all that was done to it"


@pytest.fixture(scope="session")
def whole_session(stack: LocalStack, measured: Callable[[str], None]) -> Iterator[World]:
    with Load(stack.app.login_page, RATE) as load, RolloutWatch(stack.app.cluster) as rollouts:
        world = World(stack, load, rollouts)
        yield world
    failed = len(load.results().failures)
    measured(f"requests: {load.results().served} served, {failed} failed, {world.excused} of them while Recreate had no pods")
    measured(f"from rollout complete to the machine knowing it (s): {_spread(world.noticed)}")


@pytest.fixture
def world(whole_session: World) -> Iterator[World]:
    """At rest before and after each test, and no request fails meanwhile but those that a test has said will."""
    start = time.time()
    whole_session.assert_at_rest()
    yield whole_session
    whole_session.stack.app.cluster.heal()
    whole_session.assert_served_since(start)


@pytest.fixture
def person(stack: LocalStack) -> Api:
    """Somebody with kubectl."""
    return Api(stack.app.cluster.api, stack.app.cluster.ca, by=PERSON)


@pytest.fixture
def adapters(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The adapters in this process, configured as in a function."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.aws.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stack.function("RestartApp"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    for cached in (adapter.client, eks._connect):
        cached.cache_clear()
    yield
    for cached in (adapter.client, eks._connect):
        cached.cache_clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(f"measured: {line}")


def _spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.2f}, most {max(values):.2f}, of {len(values)}" if values else "none"
