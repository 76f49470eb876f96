"""Adapters by themselves, where the world is too coarse: the file adapter on a real folder, the Secret as a cluster keeps it, two
services in a Swarm on one login."""

import base64
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_IROTH
from typing import Any
from unittest.mock import patch

from rotation.consumers.sqlconf import text
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.errors import SqlconfUnsupported
from rotation.core.phases import Phase
from rotation.core.rollout import Progress

from tests.faults.walk.search import Found
from tests.worlds.in_a_swarm import SHELF, SwarmWorld
from tests.worlds.living import PHP
from tests.worlds.world import MARK, credential

DIES_AT = ("fchown", "fchmod", "fsync")
"""In the order in which it comes to them."""


class _Dead(BaseException):
    """As killed: nothing is tidied up."""


def stray_files() -> Found | None:
    """The first file that could be served as text, or read by others before it has the mode of the one that it replaces."""
    for place in DIES_AT:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sqlconf.php"
            path.write_bytes(PHP)
            file = SqlconfFile(Path(folder), "sqlconf.php", f"{os.getuid()}:{os.getgid()}")

            def die(*_: object) -> None:
                raise _Dead

            with patch.object(os, place, die), patch.object(Path, "unlink", lambda *_, **__: None), suppress(_Dead):
                file.publish(credential("openemr_b", "canary"), MARK)
            for one in Path(folder).iterdir():
                readable = one != path and place != "fsync" and S_IMODE(one.stat().st_mode) & S_IROTH
                if one.suffix != ".php" or readable:
                    return Found("I7", f"{one.suffix} file left readable in the document root", (f"WriteSqlconf dies at {place}",))
    return None


def files_that_say_something_else() -> Found | None:
    """A value that is written wrongly, whatever the reason, is never put in place."""
    with tempfile.TemporaryDirectory() as folder, patch.object(text, "_literal", lambda *_: b"'something else'"):
        path = Path(folder) / "sqlconf.php"
        path.write_bytes(PHP)
        with suppress(SqlconfUnsupported):
            SqlconfFile(Path(folder), "sqlconf.php", f"{os.getuid()}:{os.getgid()}").publish(
                credential("openemr_b", "canary"), MARK
            )
        if path.read_bytes() != PHP:
            return Found("I3", "sqlconf.php holds what was not to be written", ("WriteSqlconf renders a value wrongly",))
    return None


class _Cluster:
    """One object, patched as an API server does it."""

    def __init__(self, data: dict[str, str]) -> None:
        self.found: dict[str, Any] = {"metadata": {"resourceVersion": "1"}, "data": data}

    def get(self, _: str) -> dict[str, Any]:
        return self.found

    def patch(self, _: str, body: dict[str, Any]) -> None:
        self.found = {**self.found, "data": {**self.found["data"], **body["data"]}}


def secrets_that_say_something_else() -> Found | None:
    """A pod gets what the Secret holds byte for byte, whatever it is that was published."""
    from rotation.consumers.secret.adapter import KubernetesSecret  # it takes its time, and only this needs it

    cluster = _Cluster({})
    for password in ("canary", "with space ", "pässwörd", "a" * 60):
        published = credential("openemr_b", password)
        KubernetesSecret(cluster, "openemr", "db").publish(published, MARK)  # type: ignore[arg-type]
        data = {key: base64.b64decode(value, validate=True).decode() for key, value in cluster.found["data"].items()}
        if (data["mysql-user"], data["mysql-password"]) != (published.username, password):
            return Found("I3", "the Secret holds what was not to be written", ("PatchSecret encodes a value",))
    return None


def secrets_that_another_service_has() -> Found | None:
    """Two services on one login. The first is clean; a task of the other is on a node that nobody sees, and goes on with its files,
    which no spec names any more."""
    world, names = SwarmWorld(), ("web", "worker")
    world.add_service("worker")
    world.shelf(SHELF).keep(credential("openemr_b", "canary"), "v2")
    for name in names:
        _brought(world, name, "v2")
    world.shelf(SHELF).keep(credential("openemr_a", "canary"), "v3")
    _brought(world, names[0], "v3")
    world.lose_a_node()
    world.service_called(names[1]).advance(Phase.CLEAN, "v3", "v3")
    world.service_called(names[0]).remove_old("v3")
    lost = {one for task in world.swarm.tasks if task.state == "running" for one in task.secrets} - set(world.swarm.secrets)
    return Found("I2", f"tasks have {len(lost)} secrets that are gone", ("CleanUpService of the other service",)) if lost else None


def _brought(world: SwarmWorld, name: str, version: str) -> None:
    service, since = world.service_called(name), None
    while (moved := service.advance(Phase.CLEAN, version, version, since)).progress is not Progress.COMPLETE:
        since = moved.since
        world.swarm.pass_time(1.0)
