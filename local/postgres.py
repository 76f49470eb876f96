"""Which PostgreSQL there is, how it is configured, and where its first data directory comes from.

The newest on the machine (14 or later), else the distribution's own, which `fetch_debian.sh` keeps outside the repository. Its
programs refuse to be root's.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.mysqld import cache as kept

OLDEST = 14
INSTALLED = Path("/usr/lib/postgresql")
SUPERUSER = "postgres"
FIRST_PASSWORD = "until-the-first-start"
"""The superuser's in the data directory that is kept; every start gives it another before anybody else can know the port."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "log_statement": "all",
    "log_connections": "on",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",  # in the data directory: nothing stays in /dev/shm when it is killed
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "jit": "off",
}
RULES = ("hostssl all all 127.0.0.1/32 scram-sha-256", "hostssl replication all 127.0.0.1/32 scram-sha-256")


@dataclass(frozen=True)
class Programs:
    """One version's."""

    folder: Path
    libraries: Path | None = None

    def command(self, name: str, *arguments: str) -> list[str]:
        """Where we are root: as an ordinary user of a namespace of its own, to whom our files belong."""
        ordinary = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--ipc"] if os.geteuid() == 0 else []
        return [*ordinary, str(self.folder / name), *arguments]

    def environment(self, given: Mapping[str, str] | None = None) -> dict[str, str]:
        """English messages; its own libraries, where they are not the system's."""
        libraries = {"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}
        return {**(os.environ if given is None else given), "LC_ALL": "C.UTF-8", **libraries}

    def run(self, name: str, *arguments: str) -> str:
        """What it says; an error if it fails."""
        done = subprocess.run(
            self.command(name, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=self.environment(),
            cwd="/",
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed:\n{done.stdout}")
        return done.stdout.strip()


@cache
def programs(version: int | None = None) -> Programs:
    """The newest on the machine, else the distribution's own; or of that version, which is fetched."""
    if version is not None:
        native = _fetched("fetch_postgresql.sh", str(version), kept() / f"postgresql-{version}")
        return Programs(native / "bin", native / "lib")
    if found := max(_installed(INSTALLED), default=None):
        return Programs(found[1])
    root = _fetched("fetch_debian.sh", "postgresql", kept() / "postgresql", "postgresql", "postgresql-contrib", "libpq5")
    _, folder = max(_installed(root / "usr/lib/postgresql"))
    return Programs(folder, next((root / "usr/lib").glob("*-linux-gnu"), None))


def _fetched(script: str, *arguments: str | Path) -> Path:
    done = subprocess.run([Path(__file__).with_name(script), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"no PostgreSQL: see what {script} says above")
    return Path(done.stdout.strip())


def lay_out_data(found: Programs, data: Path) -> None:
    """A freshly initialised data directory: copied (0.1 s) after it was made once (1 s)."""
    version = found.run("postgres", "--version")
    template = kept() / f"postgresql-data-{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    if not template.is_dir():
        print("postgresql: initialising a data directory (once; 1 s)", file=sys.stderr, flush=True)
        _initialise(found, template)
    shutil.copytree(template, data)


def _initialise(found: Programs, template: Path) -> None:
    """Under its name only once it is whole; two that try at once keep one of the two."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="postgresql-") as made:
        word, data = Path(made) / "password", Path(made) / "data"
        word.write_text(FIRST_PASSWORD)
        found.run(
            "initdb", f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={word}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip
        partial = Path(tempfile.mkdtemp(prefix=f"{template.name}.", dir=template.parent))
        try:
            shutil.copytree(data, partial / "data")
            (partial / "data").rename(template)
        except OSError:
            if not template.is_dir():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _installed(folder: Path) -> list[tuple[int, Path]]:
    versions = [(int(one.name), one / "bin") for one in folder.glob("*") if re.fullmatch(r"\d+", one.name)]
    return [(number, one) for number, one in versions if number >= OLDEST and (one / "initdb").exists()]
