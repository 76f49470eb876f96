"""A real sqlconf.php: mode fix-permissions gives it owner and mode and leaves its bytes; what verify sees of it."""

import os
from pathlib import Path
from stat import S_IMODE

import pytest
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.errors import SqlconfMissing

CONTENT = b"<?php\n// not even read: $pass = getenv('X');\n"
OURS = f"{os.getuid()}:{os.getgid()}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sqlconf.php"
    path.write_bytes(CONTENT)
    path.chmod(0o600)
    return path


def fix(path: Path, owner: str = OURS, mode: str = "0644") -> bool:
    return SqlconfFile(path.parent, path.name, owner, mode).fix_permissions()


def test_a_wrong_mode_is_mended_once_and_not_a_byte_changes(path: Path) -> None:
    inode = path.stat().st_ino
    assert [fix(path), fix(path)] == [True, False]
    assert S_IMODE(path.stat().st_mode) == 0o644
    assert (path.read_bytes(), path.stat().st_ino) == (CONTENT, inode)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a file away")
def test_a_wrong_owner_is_mended(path: Path) -> None:
    assert [fix(path, "1000:101", "0600"), fix(path, "1000:101", "0600")] == [True, False]
    assert (path.stat().st_uid, path.stat().st_gid) == (1000, 101)


def test_without_being_told_it_is_openemrs_own(path: Path) -> None:
    default = SqlconfFile(path.parent, path.name)
    assert (default._owner, default._mode) == ((1000, 101), 0o644)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SqlconfMissing):
        fix(tmp_path / "sqlconf.php")
    assert list(tmp_path.iterdir()) == []


def test_a_file_shows_its_owner_and_mode_and_what_they_should_be(path: Path) -> None:
    path.chmod(0o600)
    state = SqlconfFile(path.parent, path.name, OURS, "0644").inspect()
    assert (state.owner, state.mode, state.wanted_owner, state.wanted_mode, state.writable) == (OURS, "0600", OURS, "0644", True)


def test_a_file_that_is_not_there_is_named_when_it_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(SqlconfMissing):
        SqlconfFile(tmp_path, "sqlconf.php").inspect()


def test_whether_the_application_shows_its_setup_is_read_from_the_file(path: Path) -> None:
    path.write_bytes(b"<?php\n$config = 0;\n")
    assert SqlconfFile(path.parent, path.name).in_setup()
    path.write_bytes(b"<?php\n$config = 1;\n")
    assert not SqlconfFile(path.parent, path.name).in_setup()


def test_a_file_that_is_not_there_is_named_when_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(SqlconfMissing):
        SqlconfFile(tmp_path, "sqlconf.php").in_setup()
