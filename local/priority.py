"""Which of two processes waits when both want a processor.

Linux deals out its processors among sessions first, and inside a session by niceness (autogroup). A process in a session of its own
has as much as a whole session of others, however nice it is: a few functions at their cold start leave an application, its database
and its clients together so little that a request of theirs waits for seconds. In AWS each of them has a machine of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LEAST, MOST = -20, 19


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
