"""A pytest plugin of tests.shards: who looks on knows of a failure when it happens, and not when its shard has ended."""

import os
from pathlib import Path

import pytest

MOST = 300
"""Characters of why: the first of them say it, and the whole follows when the shard has ended."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        what = "failed" if report.when == "call" else f"failed in its {report.when}"
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash else str(report.longrepr)
        with Path(os.environ["FAILURES"]).open("a") as failures:
            failures.write(f"{report.nodeid} {what}: {' '.join(why.split())[:MOST]}\n")
