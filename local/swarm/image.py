"""The image that services run, made of this machine's own files and of no registry's: Python, the applications, and busybox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from local.aws import REPOSITORY
from local.image import PYTHON, Layer, interpreter, package

NAME = "application:1"
PACKAGES = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six", "PyMySQL")
"""With what they need; none has libraries of its own."""
SOURCE = re.compile(r"\.py$|METADATA$")
"""scramp looks up its own version."""
USER = 1000
APPLICATION, SITE = Path("/application"), Path("/site")
CHANGES = [
    f'CMD ["{PYTHON}", "-m", "local.swarm.application"]',
    f"ENV PYTHONPATH={APPLICATION}:{SITE}",
    f"WORKDIR {APPLICATION}",
    f"USER {USER}:{USER}",
]


def archive(busybox: Path) -> bytes:
    """As `docker import` takes it."""
    with Layer() as layer:
        layer.files(files(busybox))
        layer.folder("tmp", 0o1777)
        layer.link("bin/sh", "busybox")
        layer.text("etc/passwd", f"root:x:0:0::/:/bin/sh\napplication:x:{USER}:{USER}::/:/bin/sh\n")
    return layer.bytes


def files(busybox: Path) -> Iterator[tuple[Path, Path]]:
    """Each with its place in the image."""
    yield Path("/bin/busybox"), busybox
    yield from interpreter()
    for name in PACKAGES:
        yield from package(name, SITE, SOURCE)
    for path in (REPOSITORY / "local").rglob("*.py"):
        yield APPLICATION / path.relative_to(REPOSITORY), path
    for path in (REPOSITORY / "reader" / "credential_reader").glob("*.py"):
        yield SITE / path.relative_to(REPOSITORY / "reader"), path
