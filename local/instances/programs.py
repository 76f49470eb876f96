"""The programs of a machine: a folder that is all of its PATH, so that what it lacks is known."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

NEEDED = ("php", "curl", "dirname", "readlink", "flock", "sync", "cp")
SHELLS = ("dash", "bash")


class Programs:
    """`sh` is the shell that is named."""

    def __init__(self, folder: Path, programs: Iterable[str] = NEEDED, shell: str = "dash") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for program in (*programs, *SHELLS):
            self.add(program)
        (folder / "sh").symlink_to(shell)

    def add(self, program: str) -> None:
        (self.folder / program).symlink_to(_found(program))

    def remove(self, program: str) -> None:
        (self.folder / program).unlink()

    def add_cli(self) -> None:
        """The real aws CLI; what is behind a version manager's shim, which needs the home that it was made in."""
        shim = _found("aws")
        real = next(shim.parent.parent.glob("versions/*/bin/aws"), shim)
        program = self.folder / "aws"
        program.write_text(f'#!/bin/sh\nPATH="$PATH:/usr/bin:/bin" exec "{real}" "$@"\n')
        program.chmod(0o755)


def _found(program: str) -> Path:
    found = shutil.which(program)
    if found is None:
        raise RuntimeError(f"{program} is not installed, and every instance has it")
    return Path(found)
