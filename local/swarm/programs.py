"""The programs of Debian's Docker engine, unpacked and never installed; and whether this machine can run them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.leftovers import CGROUPS, remove_cgroups
from local.mysqld import cache as kept

HERE = Path(__file__).resolve().parent
NAMESPACES = ("--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
FOLDERS = ("usr/sbin", "usr/bin", "bin")
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Programs:
    root: Path
    """As if it were /."""

    def __getitem__(self, name: str) -> Path:
        return next(path for folder in FOLDERS if (path := self.root / folder / name).exists())

    def environment(self) -> dict[str, str]:
        """Where the engine finds its own programs, and its libraries where they are not the system's."""
        libraries = [str(folder) for top in ("usr/lib", "lib") for folder in (self.root / top).glob("*-linux-gnu*")]
        return {
            "PATH": ":".join([*(f"{self.root}/{folder}" for folder in FOLDERS), SYSTEM]),
            **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}),
        }

    def version(self) -> str:
        """As the engine says it."""
        shown = subprocess.run(
            [self["dockerd"], "--version"], stdout=subprocess.PIPE, text=True, check=True, env=self.environment()
        ).stdout
        return shown.removeprefix("Docker version ").split("+")[0].split(",")[0]


def programs() -> Programs:
    """Fetched if there are none, also where an engine is installed: that one is somebody's, and has its own settings."""
    fetched = subprocess.run([HERE.parent / "fetch_docker.sh", kept() / "docker"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        raise RuntimeError("no Docker engine: see what fetch_docker.sh says above")
    return Programs(Path(fetched.stdout.strip()))


@cache
def why_not() -> str | None:
    """In one sentence why no Swarm can run on this machine; None if it can."""
    if os.geteuid() != 0:
        return "a local Docker Swarm makes namespaces, mounts and cgroups of its own, which only root may: run it as root"
    return _namespaces() or _cgroups()


def _namespaces() -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["unshare", *NAMESPACES, "sh", HERE / "node.sh", folder, "probe", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
    if tried.returncode == 0:
        return None
    said = " ".join(tried.stderr.split()) or f"status {tried.returncode}"
    return f"a local Docker Swarm needs namespaces and mounts of its own, and this machine refuses them ({said})"


def _cgroups() -> str | None:
    name = f"credential-rotation-probe-{os.getpid()}"
    tops = [top for top in (CGROUPS, CGROUPS / "memory", CGROUPS / "pids") if (top / "cgroup.procs").exists()]
    try:
        for top in tops:
            (top / name).mkdir()
    except OSError as error:
        return f"a local Docker Swarm needs cgroups of its own, and this machine refuses them ({error.strerror})"
    finally:
        remove_cgroups(name)
    return None if tops else f"a local Docker Swarm needs cgroups, and {CGROUPS} has none"
