"""`make image`: an image with the command `rotation` and nothing else that runs but Python, as `docker load` takes it.

It needs no registry and no Docker: it is made of this machine's Python and of the packages that the tests run with. The same
files make the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from local.aws import REPOSITORY
from local.image import PYTHON, Layer, interpreter, package
from local.release import DIST, version, wheel

NAME = "credential-rotation"
USER, HOME, SITE = 1000, "/home/rotation", Path("/command")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ALL = re.compile(r"^(?!\.\./)(?!.*__pycache__)")
"""But what pip puts beside the packages: scripts, and byte code of this machine."""


def requirements() -> list[str]:
    """The command's packages and theirs."""
    found: dict[str, None] = {}
    ahead = list(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"])
    while ahead:
        wanted = Requirement(ahead.pop())
        if wanted.name.lower() not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found[wanted.name.lower()] = None
            ahead += requires(wanted.name) or []
    return sorted(found)


def files(scratch: Path) -> Iterator[tuple[Path, Path]]:
    """Each with its place in the image. The command itself is what a release has of it."""
    with zipfile.ZipFile(wheel(into=scratch)) as packed:
        packed.extractall(scratch / "command")
    yield from interpreter()
    for name in requirements():
        yield from package(name, SITE, ALL)
    for path in (scratch / "command").rglob("*"):
        if path.is_file():
            yield SITE / path.relative_to(scratch / "command"), path
    yield Path("/LICENSE"), REPOSITORY / "LICENSE"


def layer() -> bytes:
    with tempfile.TemporaryDirectory() as scratch, Layer() as made:
        made.files(files(Path(scratch)))
        made.folder("tmp", 0o1777)
        made.folder(HOME.strip("/"), 0o755, USER)
        made.text("etc/passwd", f"root:x:0:0::/:/nologin\nrotation:x:{USER}:{USER}::{HOME}:/nologin\n")
    return made.bytes


def configuration(digest: str, number: str) -> dict[str, Any]:
    """What the image says of itself, by the image specification."""
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "created": "1980-01-01T00:00:00Z",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": [f"PYTHONPATH={SITE}", f"HOME={HOME}", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"],
            "Entrypoint": [str(PYTHON), "-m", "rotation_cli"],
            "WorkingDir": HOME,
            "Labels": {
                "org.opencontainers.image.title": NAME,
                "org.opencontainers.image.version": number,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1980-01-01T00:00:00Z", "created_by": "make image"}],
    }


def archive(number: str) -> bytes:
    """As `docker save` writes one and `docker load` reads it."""
    content = layer()
    digest = hashlib.sha256(content).hexdigest()
    said = json.dumps(configuration(digest, number), sort_keys=True)
    config = f"{hashlib.sha256(said.encode()).hexdigest()}.json"
    manifest = [{"Config": config, "RepoTags": [f"{NAME}:{number}"], "Layers": [f"{digest}/layer.tar"]}]
    with Layer() as made:
        made.data(f"{digest}/layer.tar", content)
        made.text(config, said)
        made.text("manifest.json", json.dumps(manifest))
    return made.bytes


def main() -> int:
    """The exit code."""
    number = version()
    DIST.mkdir(exist_ok=True)
    path = DIST / f"{NAME}-image-{number}-{ARCHITECTURES[platform.machine()]}.tar"
    content = archive(number)
    path.write_bytes(content)
    sys.stdout.write(
        f"image: {path.relative_to(REPOSITORY)}, {len(content) / 1e6:.0f} MB, sha256 {hashlib.sha256(content).hexdigest()}\n"
        f"  docker load -i {path.relative_to(REPOSITORY)}\n"
        f"  docker run --rm -it -v ~/.aws:{HOME}/.aws:ro -e AWS_PROFILE -e AWS_REGION {NAME}:{number} --help\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
