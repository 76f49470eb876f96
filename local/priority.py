"""Which of two processes waits when both want a processor.

Linux deals out its processors among sessions first, and inside a session by niceness (autogroup). A process in a session of its own
has as much as a whole session of others, however nice it is: a few functions at their cold start leave an application, its database
and its clients together so little that a request of theirs waits for seconds. In AWS each of them has a machine of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from local.leftovers import CGROUPS

LEAST, MOST = -20, 19
WEIGHTS = {CGROUPS / "cpu": ("cpu.shares", 262_144), CGROUPS: ("cpu.weight", 10_000)}
"""The most that a control group can have, in either version of them. A session has 1,024, or 100."""


def share(pid: int, nicer: int = 0) -> None:
    """The process, which has just begun a session of its own, is as nice as we are and `nicer`; so are those that it starts.

    Only root can make something less nice than it is; for others it then stays as it was."""
    niceness = max(LEAST, min(os.getpriority(os.PRIO_PROCESS, 0) + nicer, MOST))
    with suppress(ProcessLookupError, FileNotFoundError, PermissionError):  # it has ended, or may not
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        with suppress(BlockingIOError):  # asked for too often by others than root
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def serve(pid: int) -> None:
    """The process or thread, which has just been started, goes before all that is only computed; so do those that it starts.

    What answers an application's requests has a machine of its own in AWS. Here a server that gets less of the processors than its
    clients need answers nobody in the end: a client that gave up has cost it as much as one that was served. Niceness does not
    prevent that: PostgreSQL makes each of its backends a session of Linux, and each session begins with the usual share.
    Only root can do this; for others it stays as it was."""
    with suppress(ProcessLookupError, PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))


def serve_in(cgroup: str) -> None:
    """The same for what is put into that control group, which is made for it.

    Linux deals out its processors among groups as it does among sessions. All containers of a Swarm are in one group: without this
    they would have together as much as a single function. Only root can do this, where the kernel has such groups."""
    for top, (file, most) in WEIGHTS.items():
        if (top / "cgroup.procs").exists():
            with suppress(OSError):  # it may not, or the group has no say in who gets a processor
                (top / cgroup).mkdir(exist_ok=True)
                (top / cgroup / file).write_text(str(most))
