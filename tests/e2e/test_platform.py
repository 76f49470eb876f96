"""Six kinds of credentials of three services in one stack, rotated by one run of the fleet under load: nothing fails, all that is
retired is refused. And what fails, or is still accepted, is told."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local import canary
from local.iam.audit import audit
from local.options import PLATFORM, Options
from local.running import BUILD
from local.services.demo import Loads, Old, Story, examine, rotate_all
from local.services.stack import Platform
from local.translation import translate
from tests.e2e.rotations import MEASURED
from tests.whole import only_with_more

pytestmark = only_with_more

OPTIONS = Options(rotations=1, rate=7, app=PLATFORM)
"""Of each kind: 42 requests a second together."""
RETIRED = 8
"""Six credentials, and two admins' passwords."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with Platform() as stack:
        yield stack
        assert canary.search(stack) == []
        refused = [(one.role, one.denied) for one in audit(translate(BUILD), [stack.recording()]) if one.denied]
        assert refused == [], "what IAM would have refused, by name or by tag"


def test_one_run_rotates_all_six_under_load(platform: Platform, request: pytest.FixtureRequest) -> None:
    began = time.monotonic()
    before = {kind: platform.active(kind) for kind in platform.kinds}
    with Loads(platform, OPTIONS.rate) as loads:
        story = Story.of(platform, loads)
        rotate_all(story, "platform-1")
        time.sleep(platform.pace.cache_seconds + platform.pace.lifetime_seconds + 1)
        requests = loads.stop()
    report = examine(story, requests, OPTIONS, began)
    assert report.problems == []
    assert [one for one in report.retired if not one.refused] == []
    assert len(report.retired) == RETIRED
    assert [kind for kind, login in before.items() if platform.active(kind) == login] == []
    assert [lane.name for lane in report.lanes if len(lane.requests.by_user()) != 2] == [], (
        "served with the old one, then the new one"
    )
    together = f"{len(report.requests.requests)} requests at {sum(lane.requests.rate for lane in report.lanes):.0f}/s"
    request.config.stash.setdefault(MEASURED, []).append(f"six kinds in one run: {together}, 0 failed, {report.seconds:.0f} s")


def test_an_outage_and_a_credential_that_still_works_are_told(platform: Platform) -> None:
    with Loads(platform, OPTIONS.rate) as loads:
        story = Story.of(platform, loads)
        platform.database.stop()
        time.sleep(1)
        platform.database.start()
        requests = loads.stop()
    story.old.append(Old("cloud", "the one in use", platform.active("cloud"), "nobody"))
    problems = examine(story, requests, OPTIONS, time.monotonic()).problems
    failed = sum(len(one.failures) for one in requests.values())
    assert failed > 0
    assert problems == [
        f"database: {failed} of {len(requests['database'].requests)} requests failed",
        "cloud: the one in use, which nobody retired, still works",
    ]
