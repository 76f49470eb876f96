"""The image that services run, made of this machine's own files and of no registry's: Python, the applications, and busybox."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from local.aws import REPOSITORY

NAME = "application:1"
PACKAGES = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six", "PyMySQL")
"""With what they need; none has libraries of its own."""
UNUSED = re.compile(
    r"(^|/)(site-packages|dist-packages|tests?|idlelib|ensurepip|lib2to3|tkinter|turtledemo|pydoc_data|distutils|unittest|sqlite3)/"
    r"|^config-|_tkinter|_test|_sqlite3|_curses|_dbm|_gdbm|\.opt-\d\.pyc$|\.a$|\.exe$"
)
"""Of Python's library: what no server needs, and half of its size."""
USER = 1000
APPLICATION, SITE = Path("/application"), Path("/site")
CHANGES = [
    f'CMD ["{sys.base_prefix}/bin/{Path(sys.executable).resolve().name}", "-m", "local.swarm.application"]',
    f"ENV PYTHONPATH={APPLICATION}:{SITE}",
    f"WORKDIR {APPLICATION}",
    f"USER {USER}:{USER}",
]


def archive(busybox: Path) -> bytes:
    """As `docker import` takes it. Python is where it is on this machine, and so finds its library."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", dereference=True) as tar:
        for inside, file in files(busybox):
            tar.add(file, str(inside).lstrip("/"), recursive=False, filter=_roots)
        _add_folder(tar, "tmp", 0o1777)
        _add_link(tar, "bin/sh", "busybox")
        _add_text(tar, "etc/passwd", f"root:x:0:0::/:/bin/sh\napplication:x:{USER}:{USER}::/:/bin/sh\n")
    return written.getvalue()


def files(busybox: Path) -> Iterator[tuple[Path, Path]]:
    """Each with its place in the image."""
    python = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name
    library = Path(sysconfig.get_path("stdlib"))
    modules = [path for path in library.rglob("*") if path.is_file() and not UNUSED.search(str(path.relative_to(library)))]
    yield Path("/bin/busybox"), busybox
    yield from ((path, path) for path in (python, *modules))
    yield from ((path, path) for path in _libraries([python, *(path for path in modules if path.suffix == ".so")]))
    for package in PACKAGES:
        found = distribution(package)
        for one in found.files or []:
            if one.suffix == ".py" or one.name == "METADATA":  # scramp looks up its own version
                yield SITE / one, Path(str(found.locate_file(one)))
    for path in (REPOSITORY / "local").rglob("*.py"):
        yield APPLICATION / path.relative_to(REPOSITORY), path
    for path in (REPOSITORY / "reader" / "credential_reader").glob("*.py"):
        yield SITE / path.relative_to(REPOSITORY / "reader"), path


def _libraries(programs: list[Path]) -> list[Path]:
    """What the loader would load for them, itself included."""
    said = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    words = [line.split() for line in said.splitlines() if not line.endswith(":")]
    found = {next((word for word in line if word.startswith("/")), "") for line in words}
    return [Path(path) for path in sorted(found - {""})]


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode |= 0o044 | (0o011 if entry.mode & 0o100 else 0)
    return entry


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    tar.addfile(entry, io.BytesIO(text.encode()))
