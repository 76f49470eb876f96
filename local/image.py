"""A file system for a container, made of this machine's own files and of no registry's: Python, its library, packages.

Python is where it is on this machine, and so finds its library.
"""

from __future__ import annotations

import ctypes
import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

PYTHON = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name
UNUSED = re.compile(
    r"(^|/)(site-packages|dist-packages|tests?|idlelib|ensurepip|lib2to3|tkinter|turtledemo|pydoc_data|distutils|unittest|sqlite3)/"
    r"|^config-|_tkinter|_test|_sqlite3|_curses|_dbm|_gdbm|\.opt-\d\.pyc$|\.a$|\.exe$"
)
"""Of Python's library: what no program here needs, and half of its size."""
WHEN_A_THREAD_ENDS = "libgcc_s.so.1"
"""glibc opens it to end a thread that is at work when the program ends. Without it the program dies of a signal then."""
Files = Iterable[tuple[Path, Path]]
"""Each place in the image, and the file that comes there."""


def interpreter() -> Iterator[tuple[Path, Path]]:
    """Python, its library, and what the loader would load for them."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = [path for path in library.rglob("*") if path.is_file() and not UNUSED.search(str(path.relative_to(library)))]
    yield from ((path, path) for path in (PYTHON, *modules))
    named = libraries([PYTHON, *(path for path in modules if path.suffix == ".so")])
    yield from ((path, path) for path in dict.fromkeys([*named, found(WHEN_A_THREAD_ENDS)]))


def found(library: str) -> Path:
    """Where the loader has one that nothing names until it is needed."""
    ctypes.CDLL(library)
    return Path(next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(library)))


def package(name: str, site: Path, wanted: re.Pattern[str]) -> Iterator[tuple[Path, Path]]:
    """An installed one's files whose names the pattern finds."""
    found = distribution(name)
    for one in found.files or []:
        if wanted.search(str(one)):
            yield site / one, Path(str(found.locate_file(one)))


def libraries(programs: list[Path]) -> list[Path]:
    """What the loader would load for them, itself included."""
    said = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    words = [line.split() for line in said.splitlines() if not line.endswith(":")]
    found = {next((word for word in line if word.startswith("/")), "") for line in words}
    return [Path(path) for path in sorted(found - {""})]


class Layer:
    """`with Layer() as layer:` files, folders and links of root's; afterwards `layer.bytes`. The same files make the same bytes."""

    def __init__(self, seconds: int = 0) -> None:
        """`seconds`: when everything in it was changed last."""
        self._seconds = seconds
        self._written = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._written, mode="w", dereference=True)  # noqa: SIM115 - it is ours to close

    def __enter__(self) -> Layer:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    @property
    def bytes(self) -> bytes:
        return self._written.getvalue()

    def files(self, files: Files) -> None:
        for inside, file in sorted(dict(files).items()):
            entry = self._tar.gettarinfo(file, str(inside).lstrip("/"))
            # Of a file with a second name in it the tar would keep a link to the first.
            entry.type, entry.size, entry.linkname = tarfile.REGTYPE, file.stat().st_size, ""
            entry.mode |= 0o044 | (0o011 if entry.mode & 0o100 else 0)
            with file.open("rb") as content:
                self._add(entry, content)

    def folder(self, name: str, mode: int, owner: int = 0) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._add(entry, owner=owner)

    def link(self, name: str, target: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._add(entry)

    def text(self, name: str, text: str) -> None:
        self.data(name, text.encode())

    def data(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._add(entry, io.BytesIO(content))

    def _add(self, entry: tarfile.TarInfo, content: io.BufferedIOBase | None = None, owner: int = 0) -> None:
        entry.uid = entry.gid = owner
        entry.uname = entry.gname = ""
        entry.mtime = self._seconds
        self._tar.addfile(entry, content)
