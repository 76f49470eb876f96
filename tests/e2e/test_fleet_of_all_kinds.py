"""Five of each of six kinds, rotated by one run of the deployed fleet under load: what `make bench-fleet REAL=1` does."""

from __future__ import annotations

import pytest

from tests.e2e.rotations import MEASURED
from tests.fleet import real
from tests.whole import only_in_the_whole

pytestmark = only_in_the_whole


def test_thirty_targets_of_all_kinds_are_rotated_and_nothing_fails(request: pytest.FixtureRequest) -> None:
    found = real.run()
    report = found.report
    assert report.problems == []
    assert (len(found.kinds), {chapter.run.outcome for chapter in report.chapters}) == (30, {"RotationSucceeded"})
    assert len(report.retired) == 32, "a credential of each, and two admins' passwords"
    assert [one for one in report.retired if not one.refused] == []
    assert [lane.name for lane in report.lanes if len(lane.requests.by_user()) != 2] == [], "served with the old one, then the new"
    lines = [*real.table(found), f"{found.flips_seconds:.0f} s to the last flip, {report.seconds:.0f} s in all"]
    request.config.stash.setdefault(MEASURED, []).extend(f"thirty real targets: {line}" for line in lines)
