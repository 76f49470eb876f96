"""sqlconf.php on the mounted sites directory: replaced as a whole, read back, nothing left beside it."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING

from rotation.consumers.sqlconf import text as sqlconf
from rotation.core.errors import FileSystemUnavailable, SqlconfMissing, SqlconfUnsupported, TargetInvalid
from rotation.ports import FileState, Surroundings

if TYPE_CHECKING:
    from rotation.core.model import Credential, Mark
    from rotation.kinds.kind import Settings

_PREFIX, _SUFFIX = ".sqlconf.rotation-", ".php"


def make(settings: Settings, here: Surroundings) -> SqlconfFile:
    """As the target names it, below the mount."""
    if here.sites_root is None:
        raise TargetInvalid(f"{here.target}: this function does not mount EFS")
    return SqlconfFile(here.sites_root, **settings)


class SqlconfFile:
    """One sqlconf.php."""

    def __init__(self, root: Path, path: str, owner: str = "1000:101", mode: str = "0644") -> None:
        self._path = root / path
        self._owner = tuple(int(number) for number in owner.split(":"))
        self._mode = int(mode, 8)

    @property
    def name(self) -> str:
        return f"sqlconf.php at {self._path}"

    def read(self) -> Credential:
        with self._explained():
            return sqlconf.read(self._path.read_bytes())

    def publish(self, credential: Credential, _: Mark) -> bool:
        with self._explained():
            self._sweep()
            before = self._path.read_bytes()
            after = sqlconf.render(before, credential)
            if after == before:
                return False
            self._replace(after)
        return True

    def inspect(self) -> FileState:
        with self._explained():
            status = self._path.stat()
        wanted_owner, wanted_mode = ":".join(str(number) for number in self._owner), f"{self._mode:04o}"
        writable = os.access(self._path.parent, os.W_OK | os.X_OK)
        return FileState(f"{status.st_uid}:{status.st_gid}", f"{S_IMODE(status.st_mode):04o}", wanted_owner, wanted_mode, writable)

    def in_setup(self) -> bool:
        with self._explained():
            return sqlconf.in_setup(self._path.read_bytes())

    def fix_permissions(self) -> bool:
        with self._explained():
            status = self._path.stat()
            changed = (status.st_uid, status.st_gid) != self._owner or S_IMODE(status.st_mode) != self._mode
            if changed:
                os.chown(self._path, *self._owner)
                self._path.chmod(self._mode)
        return changed

    def _replace(self, content: bytes) -> None:
        """The temporary file ends in .php, so that a web server never serves it as text; it is private until it is renamed."""
        status = self._path.stat()
        # A name of its own: were it shared, a late writer could rename a file that another is still writing.
        temporary = self._path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                _own(file.fileno(), status)
                file.flush()
                os.fsync(file.fileno())
            self._rename(temporary)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _fsync_folder(self._path.parent)

    def _sweep(self) -> None:
        """What a run that died between open and rename left: it holds a password."""
        for forgotten in self._path.parent.glob(f"{_PREFIX}*{_SUFFIX}"):
            forgotten.unlink(missing_ok=True)

    def _rename(self, temporary: Path) -> None:
        try:
            temporary.rename(self._path)
        except FileNotFoundError:
            raise FileSystemUnavailable(f"{self.name} was being changed by somebody else at the same moment") from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise SqlconfMissing(f"{self.name} does not exist; is EFS mounted, and the target's path right?") from None
        except IsADirectoryError:
            raise SqlconfUnsupported(f"{self.name} is a directory") from None
        except PermissionError:
            raise FileSystemUnavailable(
                f"{self.name} is not readable or writable by {os.getuid()}:{os.getgid()};"
                " run mode fix-permissions, or mend the access point"
            ) from None
        except OSError as error:
            raise FileSystemUnavailable(f"{self.name}: {errno.errorcode.get(error.errno or 0, 'EIO')}") from None


def _own(descriptor: int, status: os.stat_result) -> None:
    """Owner and mode of the file that is replaced. An EFS access point sets the owner itself and refuses chown: fine if it fits."""
    try:
        os.fchown(descriptor, status.st_uid, status.st_gid)
    except PermissionError:
        now = os.fstat(descriptor)
        if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
            raise
    os.fchmod(descriptor, status.st_mode & 0o7777)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
