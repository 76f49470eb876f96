"""The application's process. It ends with whoever started it: its standard input is our pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.aws import REPOSITORY, local_only
from local.priority import serve, share

KEYS = {"AWS_ACCESS_KEY_ID": "the-application", "AWS_SECRET_ACCESS_KEY": "local"}
ENDED_WITHIN = 10.0


def start(
    settings: Mapping[str, Any], environment: Mapping[str, str], log: Path, module: str = "local.shop.application"
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and the port at which it serves."""
    with log.open("ab") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            cwd=REPOSITORY,
            env={**local_only(environment), **KEYS},
            start_new_session=True,  # an interrupt at the terminal is for the one who started all this
        )
    share(process.pid)
    serve(process.pid)
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        end(process)
        raise RuntimeError(f"the application did not start:\n{log.read_text(errors='replace')[-2000:]}")
    return process, int(line)


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(ENDED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
