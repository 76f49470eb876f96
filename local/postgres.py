"""Which PostgreSQL there is, how it is configured, and where its first data directory comes from.

The newest on the machine (14 or later), else the distribution's own, which `fetch_debian.sh` keeps outside the repository. Its
programs refuse to be root's: then they are `nobody`'s.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.mysqld import cache

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
        """As an ordinary user, whoever we are."""
        drop = (
            ["setpriv", f"--reuid={_nobody().pw_uid}", f"--regid={_nobody().pw_gid}", "--clear-groups"] if os.geteuid() == 0 else []
        )
        return [*drop, str(self.folder / name), *arguments]

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


def programs() -> Programs:
    """The newest on the machine, else the fetched ones."""
    found = max(_installed(INSTALLED), default=None)
    if found is not None:
        return Programs(found[1])
    script = Path(__file__).with_name("fetch_debian.sh")
    packages = ["postgresql", "postgresql-contrib", "libpq5"]
    fetched = subprocess.run(
        [script, "postgresql", cache() / "postgresql", *packages], stdout=subprocess.PIPE, text=True, check=False
    )
    if fetched.returncode != 0:
        raise RuntimeError("no PostgreSQL: see what fetch_debian.sh says above")
    root = Path(fetched.stdout.strip())
    _, folder = max(_installed(root / "usr/lib/postgresql"))
    return Programs(folder, next((root / "usr/lib").glob("*-linux-gnu"), None))


def lay_out_data(found: Programs, data: Path) -> None:
    """A freshly initialised data directory: copied (0.1 s) after it was made once (1 s)."""
    version = found.run("postgres", "--version")
    template = cache() / f"postgresql-data-{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    if not template.is_dir():
        print("postgresql: initialising a data directory (once; 1 s)", file=sys.stderr, flush=True)
        _initialise(found, template)
    shutil.copytree(template, data)
    give(data)


def give(folder: Path) -> None:
    """To whom the programs run as, and to nobody else; the way there is theirs to walk."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _nobody().pw_uid, _nobody().pw_gid, follow_symlinks=False)
        temporary = Path(tempfile.gettempdir())
        for parent in folder.parents:
            if temporary in parent.parents:
                parent.chmod(0o711)
    folder.chmod(0o700)


def _initialise(found: Programs, template: Path) -> None:
    """Under its name only once it is whole; two that try at once keep one of the two."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="postgresql-") as made:
        word, data = Path(made) / "password", Path(made) / "data"
        word.write_text(FIRST_PASSWORD)
        data.mkdir()
        give(data)
        give(word)
        word.chmod(0o600)
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


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
