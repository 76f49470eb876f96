"""Which pgbouncer there is, and how it is configured."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.mysql import HOST
from local.mysqld import cache
from local.postgres import Programs

CONSOLE = "pgbouncer"
"""The database that is none, but takes pgbouncer's own commands."""
REFUSED = "SASL authentication failed"
"""What it says to a password that is not the one it knows, and to a user that it does not know. The SQLSTATE is 08P01 of all."""

SETTINGS = {
    "listen_addr": HOST,
    "unix_socket_dir": "",
    "auth_type": "scram-sha-256",
    "client_tls_sslmode": "require",
    "server_tls_sslmode": "disable",  # see Pooled
    "pool_mode": "transaction",
    "default_pool_size": "10",
    "max_client_conn": "300",
    "server_idle_timeout": "600",
    "server_login_retry": "1",
    "query_wait_timeout": "5",  # RDS Proxy calls it ConnectionBorrowTimeout
    "ignore_startup_parameters": "extra_float_digits",
    "log_stats": "0",
}


def programs() -> Programs:
    """The machine's own, else the distribution's."""
    installed = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if installed:
        return Programs(Path(installed).parent)
    script, destination = Path(__file__).parents[1] / "fetch_debian.sh", cache() / "pgbouncer"
    fetched = subprocess.run([script, "pgbouncer", destination, "pgbouncer"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        raise RuntimeError("no pgbouncer: see what fetch_debian.sh says above")
    root = Path(fetched.stdout.strip())
    return Programs(root / "usr/sbin", next((root / "usr/lib").glob("*-linux-gnu"), None))


def version() -> str:
    """As it says itself."""
    return programs().run("pgbouncer", "--version").split()[1]


def configuration(databases: Sequence[str], where: str, settings: Mapping[str, str]) -> str:
    """The databases by name: with `*` for all of them it would end every session of its pools whenever it learns something."""
    lines = ["[databases]", *(f"{name} = {where}" for name in databases)]
    return _lines([*lines, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())])


def users_file(users: Mapping[str, str]) -> str:
    return _lines([f"{_quoted(name)} {_quoted(password)}" for name, password in users.items()])


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
