"""A real MariaDB: MySQL's words, without dual passwords. For the tests of a source, which has to know them apart."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from local.mysql import MySQL
from local.mysqld import SETTINGS, as_user, cache

MASTER_PRIVILEGES = """SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,
    SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, BINLOG MONITOR,
    CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, DELETE HISTORY, CONNECTION ADMIN"""
_NOT_KNOWN = (
    "--mysqlx", "--secure-file-priv", "--auto-generate-certs", "--caching-sha2", "--log-raw", "--loose-",
    "--performance-schema-error-size",
)  # fmt: skip


class MariaDB(MySQL):
    """One server with its files under `directory`."""

    privileges = MASTER_PRIVILEGES

    def settings(self) -> list[str]:
        return [one for one in SETTINGS if not one.startswith(_NOT_KNOWN)]

    def command(self) -> list[str]:
        root = _root()
        return [
            "env", f"LD_LIBRARY_PATH={_libraries(root)}", str(root / "usr/sbin/mariadbd"), "--no-defaults",
            f"--basedir={root / 'usr'}", f"--lc-messages-dir={root / 'usr/share/mysql'}",
        ]  # fmt: skip

    def lay_out_data(self, command: list[str]) -> None:
        """Copied after it was made once."""
        shown = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        template = cache() / f"mariadb-data-{hashlib.sha256(shown.encode()).hexdigest()[:12]}"
        if not template.is_dir():
            _initialise(_root(), template)
        shutil.copytree(template, self.data)


def _root() -> Path:
    """Debian's, unpacked."""
    packages = ["mariadb-server-core", "mariadb-client-core"]
    script = Path(__file__).with_name("fetch_debian.sh")
    done = subprocess.run(
        [script, "mariadb", cache() / "mariadb-server", *packages], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError("no MariaDB: see what fetch_debian.sh says above")
    return Path(done.stdout.strip())


def _libraries(root: Path) -> str:
    return ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))


def _initialise(root: Path, template: Path) -> None:
    """Under its name only once it is whole."""
    partial = Path(tempfile.mkdtemp(prefix=f"{template.name}.", dir=template.parent))
    try:
        command: list[str] = [
            str(root / "usr/bin/mariadb-install-db"), "--no-defaults", f"--basedir={root / 'usr'}", f"--datadir={partial / 'data'}",
            "--auth-root-authentication-method=normal", "--skip-test-db", *as_user(),
        ]  # fmt: skip
        made = subprocess.run(
            command,
            env={**os.environ, "LD_LIBRARY_PATH": _libraries(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"MariaDB could not make its data directory:\n{made.stdout}")
        (partial / "data").rename(template)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
