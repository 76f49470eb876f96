"""A server as a process of ours: started, so that it goes before what is only computed, and ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.priority import serve

ENDED_WITHIN = 15.0
"""Seconds for an orderly end."""


def begin(
    command: Sequence[str | Path], environment: Mapping[str, str] | None, log: Path | None = None, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """What it prints is added to the log; without one it is lost. `folder`: where it runs."""
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,  # a Ctrl-C is for the program in front, which then stops us in order
        )
    serve(process.pid)
    return process


def end(process: subprocess.Popen[bytes], asked: int = signal.SIGTERM, forced: int = signal.SIGKILL) -> None:
    """Asked first; forced if that takes too long. Returns when it has ended."""
    process.send_signal(asked)
    try:
        process.wait(ENDED_WITHIN)
    except subprocess.TimeoutExpired:
        process.send_signal(forced)
        process.wait()
