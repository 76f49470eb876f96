"""Which of two processes waits when both want a processor.

Linux deals out its processors among sessions first, and inside a session by niceness (autogroup). A process in a session of its own
has as much as a whole session of others, however nice it is: a few functions at their cold start leave an application, its database
and its clients together so little that a request of theirs waits for seconds. In AWS a function has a machine of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MOST = 19


def yields(pid: int, by: int) -> None:
    """The process, which has just begun a session of its own, is as nice as we are and `by` more; so are those that it starts."""
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + by, MOST)
    with suppress(ProcessLookupError, FileNotFoundError):  # it has ended
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        with suppress(PermissionError, BlockingIOError):  # less than ours: only root may say so, or not so often
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
