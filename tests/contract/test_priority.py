"""Among the processes of one machine, some yield to others: by niceness, and from session to session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.leftovers import Leftovers, remove_cgroups
from local.postgresql import PostgreSQL
from local.priority import MOST, WEIGHTS, serve, serve_in, share

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
    serve(process.pid)


def may_serve(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.sched_setscheduler(process.pid, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    return True


def test_a_server_goes_before_all_others_where_that_is_allowed(process: subprocess.Popen[bytes]) -> None:
    first = os.SCHED_RR if may_serve(process) else os.SCHED_OTHER
    serve(process.pid)
    assert os.sched_getscheduler(process.pid) == first


def test_so_does_each_session_that_a_server_starts(process: subprocess.Popen[bytes]) -> None:
    """PostgreSQL's are sessions of Linux, too, so they would have a share of their own, and that of nobody in particular."""
    first = os.SCHED_RR if may_serve(process) else os.SCHED_OTHER
    with Leftovers() as run, PostgreSQL(run.directory / "postgresql", run.environment) as server, server.connect() as session:
        ((backend,),) = session.run("SELECT pg_backend_pid()")
        pids = {backend, *(pid for (pid,) in session.run("SELECT pid FROM pg_stat_activity"))}
        assert {os.sched_getscheduler(own) for own in pids} == {first}


def test_what_is_in_a_group_of_servers_goes_before_all_others_where_that_is_allowed() -> None:
    name = f"credential-rotation-probe-{os.getpid()}"
    try:
        serve_in(name)
        found = {file: int((top / name / file).read_text()) for top, (file, _) in WEIGHTS.items() if (top / name / file).exists()}
        if os.geteuid() == 0:
            assert found == {file: most for file, most in WEIGHTS.values() if file in found}
    finally:
        remove_cgroups(name)
