"""Which MySQL server there is, how it is configured, and where its first data directory comes from.

The machine's own `mysqld` if that is MySQL 8.0.14 or later (the first with RETAIN CURRENT PASSWORD), else one
that `fetch_mysql.sh` keeps outside the repository. MariaDB does not count: it has no dual passwords.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DUAL_PASSWORDS_SINCE = (8, 0, 14)

# Small, and only what is looked at: the drain reads performance_schema.accounts, which needs the thread
# instruments and nothing else; with its default sizes it takes 100 MB. `loose-` is for what an 8.0 may lack.
SETTINGS = [
    "--mysqlx=OFF",
    "--skip-log-bin",
    "--secure-file-priv=NULL",
    "--require-secure-transport=ON",
    "--tls-version=TLSv1.2,TLSv1.3",
    "--auto-generate-certs=OFF",
    "--caching-sha2-password-auto-generate-rsa-keys=OFF",
    "--general-log=ON",
    "--general-log-file=general.log",
    "--log-raw=OFF",
    "--event-scheduler=OFF",
    "--max-connections=300",
    "--performance-schema=ON",
    "--performance-schema-instrument=%=OFF",
    "--performance-schema-instrument=thread/%=ON",
    "--performance-schema-max-thread-instances=400",
    "--performance-schema-accounts-size=50",
    "--performance-schema-users-size=50",
    "--performance-schema-hosts-size=10",
    "--performance-schema-digests-size=0",
    "--performance-schema-error-size=0",
    "--performance-schema-max-memory-classes=0",
    "--performance-schema-events-statements-history-long-size=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-buffer-size=1M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--loose-innodb-redo-log-capacity=8388608",
    "--table-open-cache=200",
    "--table-definition-cache=400",
]


def cache() -> Path:
    """Outside the repository: a fresh clone finds what another one fetched."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "credential-rotation"


def server_command() -> list[str]:
    """The machine's own mysqld if it will do, else the fetched one."""
    installed = shutil.which("mysqld", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if installed and _has_dual_passwords(_version([installed])):
        return [installed, "--no-defaults"]
    script = Path(__file__).with_name("fetch_mysql.sh")
    fetched = subprocess.run([script, cache() / "mysql"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        raise RuntimeError("no MySQL server: see what fetch_mysql.sh says above")
    return fetched.stdout.splitlines()


def lay_out_data(command: list[str], data: Path) -> None:
    """A freshly initialised data directory: copied (0.1 s) after it was made once (3 s)."""
    version = _version(command)
    template = cache() / f"mysql-data-{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    if not template.is_dir():
        print("mysql: initialising a data directory (once; 3 s)", file=sys.stderr, flush=True)
        _initialise(command, data)
        _keep(data, template)
    else:
        shutil.copytree(template, data)


def _initialise(command: list[str], data: Path) -> None:
    arguments = ["--initialize-insecure", f"--datadir={data}", *as_user()]
    made = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"MySQL could not make its data directory:\n{made.stdout.decode()}")


def _keep(data: Path, template: Path) -> None:
    """Under its name only once it is whole; two that try at once keep one of the two."""
    template.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{template.name}.", dir=template.parent))
    try:
        shutil.copytree(data, partial / "data")
        (partial / "data").rename(template)
    except OSError:
        if not template.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def as_user() -> list[str]:
    """mysqld refuses to run as root unless that is asked for by name."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _version(command: list[str]) -> str:
    shown = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return shown.stdout.strip()


def _has_dual_passwords(version: str) -> bool:
    numbers = re.search(r"Ver (\d+)\.(\d+)\.(\d+)", version)
    if numbers is None or "MariaDB" in version:
        return False
    return tuple(map(int, numbers.groups())) >= DUAL_PASSWORDS_SINCE
