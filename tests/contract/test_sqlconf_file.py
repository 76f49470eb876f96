"""sqlconf.php on a file system: replaced as a whole or not at all, its owner and mode kept, and nothing left beside it."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.errors import FileSystemUnavailable, RotationError, SqlconfMissing, SqlconfUnsupported
from rotation.core.model import Credential, Password

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = (REPOSITORY / "local" / "pod" / "sqlconf.php.template").read_text()
PATH = "default/sqlconf.php"
NOBODY = 65534
PUBLISHES = 200

A = Credential("openemr_a", Password("canary-a-1"), "db.example", 3306, "openemr")
B = Credential("openemr_b", Password("canary-b-22"), "db.example", 3306, "openemr")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def installed(credential: Credential) -> bytes:
    values = {"host": credential.host, "port": credential.port, "login": credential.username, "schema": credential.dbname}
    return TEMPLATE.format(**values, password=credential.password.reveal()).encode()


@pytest.fixture
def sites() -> Iterator[Path]:
    """Not pytest's own folder: that is closed to other users."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / PATH).parent.mkdir()
    (folder / PATH).write_bytes(installed(A))
    (folder / PATH).chmod(0o644)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def file(sites: Path) -> SqlconfFile:
    return SqlconfFile(sites, PATH)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As the user of an access point; root may do anything."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[pytest.ExceptionInfo[RotationError]]:
    with pytest.raises(kind) as caught:
        yield caught
    shown = "".join(traceback.format_exception(caught.value))
    assert not [c for c in (A, B) if c.password.reveal() in shown]


def beside(sites: Path) -> list[str]:
    return sorted(entry.name for entry in (sites / PATH).parent.iterdir())


# What is written


def test_what_was_published_is_read_back(file: SqlconfFile) -> None:
    assert file.read() == A
    assert file.publish(B)
    assert file.read() == B


def test_the_rest_of_the_file_stays_and_nothing_is_left_beside_it(sites: Path, file: SqlconfFile) -> None:
    file.publish(B)
    assert (sites / PATH).read_bytes() == installed(B)
    assert beside(sites) == ["sqlconf.php"]


def test_what_is_there_already_is_not_written_again(sites: Path, file: SqlconfFile) -> None:
    before = (sites / PATH).stat()
    assert not file.publish(A)
    after = (sites / PATH).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o640, 0o444])
def test_the_mode_is_kept(mode: int, sites: Path, file: SqlconfFile) -> None:
    (sites / PATH).chmod(mode)
    file.publish(B)
    assert (sites / PATH).stat().st_mode & 0o7777 == mode


def test_a_narrow_umask_does_not_close_the_file_to_the_application(sites: Path, file: SqlconfFile) -> None:
    before = os.umask(0o077)
    try:
        file.publish(B)
    finally:
        os.umask(before)
    assert (sites / PATH).stat().st_mode & 0o7777 == 0o644


@needs_root
def test_the_owner_is_kept(sites: Path, file: SqlconfFile) -> None:
    os.chown(sites / PATH, 1000, 101)
    file.publish(B)
    after = (sites / PATH).stat()
    assert (after.st_uid, after.st_gid) == (1000, 101)


def test_an_access_point_that_refuses_chown_is_fine_if_the_owner_fits(
    monkeypatch: pytest.MonkeyPatch, sites: Path, file: SqlconfFile
) -> None:
    monkeypatch.setattr(os, "fchown", refuse)
    file.publish(B)
    assert file.read() == B


def refuse(*_: object) -> NoReturn:
    raise PermissionError


# Whole or not at all


def test_a_reader_sees_the_old_file_or_the_new_one_and_nothing_else(sites: Path, file: SqlconfFile) -> None:
    seen: dict[bytes, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            content = (sites / PATH).read_bytes()
            seen[content] = seen.get(content, 0) + 1

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(PUBLISHES):
            file.publish(A if number % 2 else B)
    finally:
        done.set()
        reader.join()
    assert set(seen) == {installed(A), installed(B)}
    assert min(seen.values()) > 5, "it looked while both were there"


def test_who_has_the_old_file_open_reads_all_of_it(sites: Path, file: SqlconfFile) -> None:
    with (sites / PATH).open("rb", buffering=0) as opened:
        begun = opened.read(40)
        file.publish(B)
        assert begun + opened.read() == installed(A)


DYING = """
import builtins, os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.model import Credential, Password

def die_at_call(owner, name, call):
    real, calls = getattr(owner, name), []
    def dying(*arguments, **options):
        calls.append(name)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(owner, name, dying)

owner, name, call = sys.argv[3].split()
die_at_call({"os": os, "Path": Path}[owner], name, int(call))
SqlconfFile(Path(sys.argv[2]), "default/sqlconf.php").publish(
    Credential("openemr_b", Password("canary-b-22"), "db.example", 3306, "openemr"))
"""
BEFORE_THE_RENAME = ["os fdopen 1", "os fchown 1", "os fsync 1", "Path rename 1"]
AFTER_THE_RENAME = ["os fsync 2"]


def killed_at(point: str, sites: Path) -> None:
    """A process of its own begins to publish B and is killed in the middle."""
    layer = str(REPOSITORY / "layers" / "rotation")
    ended = subprocess.run([sys.executable, "-c", DYING, layer, str(sites), point], check=False)
    assert ended.returncode == -signal.SIGKILL, "it got to that point"


@pytest.mark.parametrize("point", BEFORE_THE_RENAME)
def test_a_write_killed_before_the_rename_changed_nothing(point: str, sites: Path, file: SqlconfFile) -> None:
    killed_at(point, sites)
    assert (sites / PATH).read_bytes() == installed(A)
    (left,) = [name for name in beside(sites) if name != "sqlconf.php"]
    assert left.endswith(".php"), "a web server would serve anything else as text"
    assert (sites / "default" / left).stat().st_mode & 0o077 in (0, 0o044), "no wider than the file itself"


@pytest.mark.parametrize("point", AFTER_THE_RENAME)
def test_a_write_killed_after_the_rename_is_done(point: str, sites: Path) -> None:
    killed_at(point, sites)
    assert (sites / PATH).read_bytes() == installed(B)
    assert beside(sites) == ["sqlconf.php"]


@pytest.mark.parametrize("point", BEFORE_THE_RENAME + AFTER_THE_RENAME)
def test_the_next_publish_sweeps_what_a_killed_one_left(point: str, sites: Path, file: SqlconfFile) -> None:
    killed_at(point, sites)
    file.publish(B)
    assert (sites / PATH).read_bytes() == installed(B)
    assert beside(sites) == ["sqlconf.php"]


@pytest.mark.parametrize("point", BEFORE_THE_RENAME)
def test_what_a_killed_write_left_is_swept_even_if_nothing_is_to_be_written(point: str, sites: Path, file: SqlconfFile) -> None:
    """A roll-back after a killed forward write finds the old credential still there."""
    killed_at(point, sites)
    file.publish(A)
    assert beside(sites) == ["sqlconf.php"]


def test_a_full_disk_changes_nothing_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, sites: Path, file: SqlconfFile) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with raises(FileSystemUnavailable) as caught:
        file.publish(B)
    assert "ENOSPC" in str(caught.value)
    assert (sites / PATH).read_bytes() == installed(A)
    assert beside(sites) == ["sqlconf.php"]


# What cannot be


@pytest.mark.parametrize("path", ["default/other.php", "absent/sqlconf.php", "default/sqlconf.php/sqlconf.php"])
def test_a_file_that_is_not_there_is_named(path: str, sites: Path) -> None:
    for act in (SqlconfFile(sites, path).read, lambda: SqlconfFile(sites, path).publish(B)):
        with raises(SqlconfMissing) as caught:
            act()
        assert path in str(caught.value)


def test_a_directory_in_its_place_is_named(sites: Path) -> None:
    with raises(SqlconfUnsupported):
        SqlconfFile(sites, "default").read()


def test_a_file_that_cannot_be_rewritten_is_left_alone(sites: Path, file: SqlconfFile) -> None:
    odd = installed(A).replace(b"'canary-a-1'", b"getenv('PASS')")
    (sites / PATH).write_bytes(odd)
    with raises(SqlconfUnsupported):
        file.publish(B)
    assert (sites / PATH).read_bytes() == odd
    assert beside(sites) == ["sqlconf.php"]


def test_a_file_that_must_not_be_read_is_named_with_the_way_out(sites: Path, file: SqlconfFile) -> None:
    (sites / PATH).chmod(0)
    with unprivileged(), raises(FileSystemUnavailable) as caught:
        file.read()
    assert "fix-permissions" in str(caught.value)


def test_a_folder_that_must_not_be_written_is_named_and_nothing_changed(sites: Path, file: SqlconfFile) -> None:
    (sites / "default").chmod(0o555)
    with unprivileged(), raises(FileSystemUnavailable) as caught:
        file.publish(B)
    (sites / "default").chmod(0o755)
    assert "fix-permissions" in str(caught.value)
    assert (sites / PATH).read_bytes() == installed(A)


@needs_root
def test_a_file_of_another_owner_is_not_taken_over(sites: Path, file: SqlconfFile) -> None:
    """Written by us it would be ours, and the application might no longer read it."""
    (sites / "default").chmod(0o777)
    with unprivileged(), raises(FileSystemUnavailable):
        file.publish(B)
    assert (sites / PATH).read_bytes() == installed(A)
    assert (sites / PATH).stat().st_uid == 0
    assert beside(sites) == ["sqlconf.php"]


def test_two_writers_at_once_leave_one_of_their_files_whole(sites: Path, file: SqlconfFile) -> None:
    """A function that outlives its execution may write beside its successor."""
    failures: list[RotationError] = []

    def write(credential: Credential) -> None:
        for _ in range(PUBLISHES):
            try:
                file.publish(credential)
            except FileSystemUnavailable as error:
                failures.append(error)

    writers = [threading.Thread(target=write, args=(credential,)) for credential in (A, B)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (sites / PATH).read_bytes() in (installed(A), installed(B))
    assert len(failures) < 2 * PUBLISHES, "at least one of them got through"
    file.publish(A)
    file.publish(B)
    assert beside(sites) == ["sqlconf.php"]
