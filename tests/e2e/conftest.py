"""One local stack with the shipped template, under load, for the tests of the session, one at a time."""

from collections.abc import Iterator

import pytest

from tests.e2e.lending import Lender
from tests.e2e.rotations import MEASURED, Rotations
from tests.e2e.shared import SharedStack

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[Lender[SharedStack]]:
    measured = request.config.stash.setdefault(MEASURED, [])
    measures = any(item.path.name == "test_rotation.py" for item in request.session.items)
    lender = Lender(lambda: SharedStack(measured, measures=measures), measured.append)
    yield lender
    lender.close()


@pytest.fixture
def rotations(shared: Lender[SharedStack], request: pytest.FixtureRequest) -> Iterator[Rotations]:
    """At rest before and after each test, and no request fails meanwhile, whatever the test does."""
    with shared.lend(request.node.nodeid, lambda: FAILED in request.node.stash) as stack:
        yield stack.rotations


@pytest.fixture
def in_an_outage(shared: Lender[SharedStack], request: pytest.FixtureRequest) -> Iterator[Rotations]:
    """At rest before and after each test; requests may fail meanwhile."""
    with shared.lend(request.node.nodeid, lambda: FAILED in request.node.stash, always_served=False) as stack:
        yield stack.rotations


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(f"measured: {line}")
