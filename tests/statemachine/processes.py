"""An engine as a process of its own: started, found and ended."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import local_only
from tests.statemachine.machine import ROOT


@contextmanager
def engine(module: str, lambda_port: int, folder: Path, *more: str) -> Iterator[Callable[[], str]]:
    """What gives its endpoint, once it has one. Its stdin is our pipe: it ends when this process ends, however that goes."""
    command = [sys.executable, "-m", module, str(lambda_port), str(folder), *more]
    pipe, clean = subprocess.PIPE, local_only(os.environ)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True, cwd=ROOT, env=clean) as process,
    ):
        yield lambda: _endpoint(process, folder)
        assert process.stdin
        process.stdin.close()


def _endpoint(process: "subprocess.Popen[str]", folder: Path) -> str:
    assert process.stdout
    port = process.stdout.readline().strip()
    assert port, (folder / "log").read_text()
    return f"http://127.0.0.1:{port}"
