"""The PHP that pods run: found, or said clearly what is missing."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path

from local.mysql import Login

POD = Path(__file__).resolve().parents[1] / "pod"
EXTENSIONS = ("mysqli", "Zend OPcache")
INSTALL = "apt-get install php-cli php-mysql php-opcache"


class PHPMissing(Exception):
    """The message says what to install."""


@functools.cache
def php() -> str:
    """The path of a PHP that can be a pod."""
    found = shutil.which("php")
    if found is None:
        raise PHPMissing(f"php is not installed: {INSTALL}")
    listed = subprocess.run([found, "-m"], stdout=subprocess.PIPE, text=True, check=True).stdout
    lacking = [name for name in EXTENSIONS if name not in listed.splitlines()]
    if lacking:
        raise PHPMissing(f"{found} has no {' and no '.join(lacking)}: {INSTALL}")
    return found


def server(port: int) -> list[str]:
    """PHP's own web server; its log lines say nothing that the balancer's clients do not count."""
    return [php(), "-c", str(POD / "php.ini"), "-q", "-S", f"127.0.0.1:{port}", str(POD / "router.php")]


def version() -> str:
    """As PHP says it."""
    return _run("echo PHP_VERSION;")


def read_sqlconf(path: Path) -> Login:
    """The login that PHP reads from a sqlconf.php: what an application would use."""
    found = json.loads(_run("require $argv[1]; echo json_encode([$login, $pass]);", str(path)))
    return Login(*found)


def _run(code: str, *arguments: str) -> str:
    return subprocess.run([php(), "-r", code, "--", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
