"""A person's terminal beside a stack: the commands of a page are typed as they stand there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local.aws import REPOSITORY
from local.running import NAME, Running

ROTATION = f"""#!/bin/sh
exec {sys.executable} -m rotation_cli "$@"
"""


class Terminal:
    """`folder` is the person's home; what is put there is found as a command."""

    def __init__(self, stack: Running, folder: Path) -> None:
        self.folder = folder
        self.command("rotation", ROTATION)
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": f"{REPOSITORY / 'cli'}:{REPOSITORY / 'layers/rotation'}",
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(folder / "bytecode")),
            "NO_PROXY": "*",
            "AWS_ENDPOINT_URL": stack.aws.endpoint,
            "AWS_REGION": stack.aws.region,
            "AWS_DEFAULT_REGION": stack.aws.region,
            "AWS_ACCESS_KEY_ID": "oncall",
            "AWS_SECRET_ACCESS_KEY": "local",
            "ROTATION_STACK": NAME,
        }

    def command(self, name: str, text: str) -> None:
        """A program of that name."""
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def type(self, block: str, **more: str) -> subprocess.Popen[str]:
        """A block of shell, begun; what it prints, stderr too, is its stdout."""
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block], cwd=self.folder, env={**self.environment, **more},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
