"""Nothing is left behind, however the local stack ends.

A tidy-up in the parent's own `finally` does not run when the parent is killed, and a Ctrl-C reaches every
process of the terminal at once. So a watcher is started first, in a session of its own, holding nothing but
the reading end of a pipe. Its end of file is the one thing that the kernel promises about a dead parent.
The ordinary end takes the very same path: it closes the pipe and waits for the watcher.

Start everything of the stack with `Leftovers.environment`: the mark in it is how the watcher finds it, whatever
it was forked by and whichever session it moved to.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MARK = "CREDENTIAL_ROTATION_STACK"
CGROUPS = Path("/sys/fs/cgroup")
EMPTY_WITHIN = 30.0  # seconds; what is in a cgroup is dead, or dying


class Leftovers:
    """One run of the local stack: its temporary directory, its environment, and their certain end."""

    directory: Path
    environment: dict[str, str]

    def __enter__(self) -> Self:
        identity = uuid.uuid4().hex
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", __file__, identity],
            env={name: value for name, value in os.environ.items() if name != MARK},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.directory = Path(self._first_line())
        self.environment = {
            **os.environ,
            MARK: identity,
            "TMPDIR": str(self.directory / "tmp"),
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the run and remove its directory; returns when both are gone."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.close()
        self._watcher.wait()

    def _first_line(self) -> str:
        """The watcher makes the directory: were it made here, a kill just after would leave it."""
        assert self._watcher.stdout is not None
        with self._watcher.stdout as output:
            line = output.readline().strip()
        if not line:
            raise RuntimeError(f"the watcher over {tempfile.gettempdir()} did not start")
        return line


def marked(identity: str) -> list[int]:
    """The living processes that were started with this run's environment, this one excepted."""
    mark = f"{MARK}={identity}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):  # gone meanwhile, or another user's
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def sweep(identity: str) -> None:
    """Kill until none is left: one that forks between the look and the kill is met in the next look."""
    while found := marked(identity):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def remove_cgroups(name: str) -> None:
    """Those of this name in every hierarchy, with what is below them; returns when the last process in them has ended."""
    deadline = time.monotonic() + EMPTY_WITHIN
    while time.monotonic() < deadline:
        tops = [top for top in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")) if top.is_dir()]
        if not tops:
            return
        for folder, _, _ in (found for top in tops for found in os.walk(top, topdown=False)):
            with suppress(OSError):  # not empty yet
                Path(folder).rmdir()
        time.sleep(0.01)


def watch(identity: str) -> None:
    """Hold the directory for as long as somebody holds the other end of standard input."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    directory = Path(tempfile.mkdtemp(prefix="credential-rotation-"))
    (directory / "tmp").mkdir()
    with suppress(BrokenPipeError):
        print(directory, flush=True)
    sys.stdin.buffer.read()
    sweep(identity)
    remove_cgroups(
        directory.name
    )  # a container's process has no mark: it ends with its engine's namespace, and then its cgroup goes
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    watch(sys.argv[1])
