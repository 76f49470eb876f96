"""Among the processes of one machine, some yield to others: by niceness, and from session to session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.priority import MOST, share

AUTOGROUP = Path("/proc/self/autogroup")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("by", [-3, 0, 3, 99])
def test_a_session_is_as_nice_as_we_are_and_so_much_more(process: subprocess.Popen[bytes], by: int) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    nice = min(ours + by, MOST) if by >= 0 or os.geteuid() == 0 else ours
    share(process.pid, by)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == nice
    if os.geteuid() == 0 and AUTOGROUP.exists():
        assert Path(f"/proc/{process.pid}/autogroup").read_text().split()[-2:] == ["nice", str(nice)]


def test_one_that_has_ended_already_is_no_trouble(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    share(process.pid, 3)
