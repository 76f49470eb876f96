"""One local stack with the shipped template, under load, for all tests of the session."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from local import canary
from local.iam.audit import audit
from local.iam.recording import Recording
from local.load import Load
from local.rollouts import RolloutWatch
from local.stack import BUILD, LocalStack, Pace
from local.translation import translate
from tests.e2e.rotations import MEASURED, Rotations

PACE = Pace(quiet_seconds=3, progress_deadline_seconds=2, pod_seconds=0.2)
RATE = 40
TRACEBACK = "Traceback (most recent call last)"


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    with LocalStack(pods=2, pace=PACE) as stack:
        yield stack
        broken = _broken((stack.logs / "aws.log").read_text())
        if broken:
            request.config.stash.setdefault(MEASURED, []).append(f"the local AWS broke: {broken}")
        found, recording = canary.search(stack), _within_reach(stack.recording())
    assert found == [], "after all that was done to it"
    recording.keep()
    refused = [(one.role, one.denied) for one in audit(translate(BUILD), [recording]) if one.denied]
    assert refused == [], "what IAM would have refused"


def _within_reach(recording: Recording) -> Recording:
    """Without the calls of targets that tests made up, with secrets and clusters that no role of this stack reaches: `rotation
    targets add` refuses those."""
    ours = {recording.parameters[name] for name in ("SlotSecretArn", "AdminSecretArn", "ClusterName")}
    calls = (one for one in recording.calls if not one.action.startswith(("secretsmanager:", "eks:")) or one.resource in ours)
    return replace(recording, calls=frozenset(calls))


def _broken(log: str) -> str:
    """The end of the first traceback that says more than that moto has no such call: what was answered with 500, and why."""
    for traceback in log.split(TRACEBACK)[1:]:
        lines = traceback.splitlines()
        end = next((place for place, line in enumerate(lines[1:], 1) if line and not line.startswith(" ")), len(lines) - 1)
        if not lines[end].startswith("NotImplementedError"):
            return " | ".join(line.strip() for line in lines[max(0, end - 8) : end + 1])
    return ""


@pytest.fixture(scope="session")
def whole_session(stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[Rotations]:
    with Load(stack.app.login_page, RATE) as load, RolloutWatch(stack.app.cluster) as rollouts:
        rotations = Rotations(stack, load, rollouts)
        yield rotations
    request.config.stash.setdefault(MEASURED, []).extend(
        [
            f"requests: {load.results().served} served, {len(load.results().failures)} failed",
            f"working time of a rotation (s): {_spread(rotations.working)}",
            f"from rollout complete to the machine knowing it (s): {_spread(rotations.noticed)}",
        ]
    )


@pytest.fixture
def rotations(whole_session: Rotations) -> Iterator[Rotations]:
    """At rest before and after each test, and no request fails meanwhile, whatever the test does."""
    start = time.time()
    whole_session.assert_at_rest()
    yield whole_session
    whole_session.stack.aws.clear_faults()
    whole_session.stack.app.cluster.heal()
    requests = whole_session.requests_since(start)
    assert requests.served > 0
    assert requests.failures == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(f"measured: {line}")


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    return f"median {statistics.median(values):.2f}, most {max(values):.2f}, of {len(values)}"
