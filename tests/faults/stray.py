"""The file adapter on a real folder, dying at each of its calls to the operating system: what does it leave for a web server?"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_IROTH
from unittest.mock import patch

from rotation.consumers.sqlconf.adapter import SqlconfFile

from tests.faults.search import Found
from tests.worlds.living import PHP
from tests.worlds.world import credential

DIES_AT = ("fsync", "fchown", "fchmod")


class _Dead(BaseException):
    """As killed: nothing is tidied up."""


def stray_files() -> Found | None:
    """The first file that could be served as text, or read by others before it is in place."""
    for place in DIES_AT:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sqlconf.php"
            path.write_bytes(PHP)
            file = SqlconfFile(Path(folder), "sqlconf.php", f"{os.getuid()}:{os.getgid()}")

            def die(*_: object) -> None:
                raise _Dead

            with patch.object(os, place, die), patch.object(Path, "unlink", lambda *_, **__: None), suppress(_Dead):
                file.publish(credential("openemr_b", "canary"))
            for one in Path(folder).iterdir():
                if one.suffix != ".php" or (one != path and S_IMODE(one.stat().st_mode) & S_IROTH):
                    return Found("I7", f"{one.suffix} file left readable in the document root", (f"WriteSqlconf dies at {place}",))
    return None
