"""`make release`: what is deployed, built for each architecture, the command and the reader, in dist/, with a list of checksums.

Unpacked, each archive is a folder for `sam deploy`: the built template, its functions, layers and state machine. Its
parameters Architecture and PythonRuntime say what it was built for. The same sources make the same bytes.
"""

from __future__ import annotations

import calendar
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

from local.aws import REPOSITORY

SCRATCH, DIST = REPOSITORY / ".aws-sam" / "release", REPOSITORY / "dist"
MACHINES = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}
"""An architecture of Lambda: what a wheel's tag calls it, and an ELF header."""
BESIDE = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs",
    "events",
    "examples",
    "instances",
    "k8s",
    "reader",
    "samconfig.toml",
    "statemachine",
    "terraform",
)
LEFT_BY_A_BUILD = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can name."""


def version() -> str:
    """pyproject's; what the changelog does not name yet is no release."""
    number: str = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    named = re.search(rf"^## {re.escape(number)}\b", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    return number if named else f"{number}-unreleased"


def runtime() -> str:
    """The newest of the template's runtimes whose interpreter is here."""
    allowed = yaml_parse((REPOSITORY / "template.yaml").read_text())["Parameters"]["PythonRuntime"]["AllowedValues"]
    for name in reversed(allowed):
        if shutil.which(name) and subprocess.run([name, "-c", ""], capture_output=True).returncode == 0:
            return str(name)
    raise SystemExit(f"release: none of {', '.join(allowed)} is on the PATH")


def build(architecture: str, python: str) -> Path:
    """A folder that needs nothing outside of it."""
    folder = SCRATCH / architecture
    shutil.rmtree(folder, ignore_errors=True)
    given = [f"PythonRuntime={python}", f"Architecture={architecture}"]
    subprocess.run(
        ["sam", "build", "--build-dir", str(folder), "--parameter-overrides", *given],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    template = yaml_parse((folder / "template.yaml").read_text())
    for name, value in (part.split("=") for part in given):
        template["Parameters"][name]["Default"] = value
    machines = [one for one in template["Resources"].values() if one["Type"] == "AWS::StepFunctions::StateMachine"]
    for machine in machines:
        machine["Properties"]["DefinitionS3Location"] = _beside(folder, machine["Properties"]["DefinitionS3Location"])
    application = template["Metadata"]["AWS::ServerlessRepo::Application"]
    for named in ("LicenseUrl", "ReadmeUrl"):
        application[named] = _beside(folder, application[named])
    for document in (one for one in template["Resources"].values() if one["Type"] == "AWS::SSM::Document"):
        included = document["Properties"]["Content"]["Fn::Transform"]["Parameters"]
        included["Location"] = _beside(folder, included["Location"])
    (folder / "template.yaml").write_text(yaml_dump(template))
    for name in BESIDE:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, folder / name, ignore=LEFT_BY_A_BUILD)
        else:
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


def _beside(folder: Path, path: str) -> str:
    """A file of the repository, as sam build names it from the folder; in an archive it lies beside the template."""
    return str((folder / path).resolve().relative_to(REPOSITORY))


def foreign(folder: Path, architecture: str) -> list[str]:
    """Wheels and shared objects that are made for another machine."""
    tag, number = MACHINES[architecture]
    wrong = []
    for wheel in folder.glob("**/*.dist-info/WHEEL"):
        tags = re.findall(r"^Tag: \S+-(\S+)$", wheel.read_text(), re.MULTILINE)
        wrong += [f"{wheel.parent.name}: {one}" for one in tags if one != "any" and not one.endswith(tag)]
    for path in folder.glob("**/*.so"):
        found = int.from_bytes(path.read_bytes()[18:20], "little")
        if found != number:
            wrong.append(f"{path.relative_to(folder)}: ELF machine {found}")
    return wrong


def pack(folder: Path, archive: Path) -> str:
    """Its SHA-256."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in _files(folder):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, path.read_bytes())
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("**/*")) if path.is_file() and "__pycache__" not in path.parts)


def wheel(source: Path = REPOSITORY, into: Path = DIST) -> Path:
    """Of the command `rotation`, or of the reader. setuptools would take along what an earlier build left in build/."""
    shutil.rmtree(source / "build", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check", "--no-deps", "-w", str(into), "."]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(calendar.timegm(EPOCH))}
    subprocess.run(pip, cwd=source, check=True, env=environment)
    name = tomllib.loads((source / "pyproject.toml").read_text())["project"]["name"].replace("-", "_")
    return next(into.glob(f"{name}-*.whl"))


def main() -> int:
    """The exit code."""
    python, number = runtime(), version()
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    wheels = [wheel(), wheel(REPOSITORY / "reader")]
    sums = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in wheels]
    for architecture in MACHINES:
        folder = build(architecture, python)
        if wrong := foreign(folder, architecture):
            print(f"release: not for {architecture}: {', '.join(wrong)}")
            return 1
        archive = DIST / f"credential-rotation-{number}-{python}-{architecture}.zip"
        sums.append(f"{pack(folder, archive)}  {archive.name}\n")
        print(f"release: {archive.relative_to(REPOSITORY)}, {archive.stat().st_size / 1e6:.1f} MB")
    (DIST / "SHA256SUMS").write_text("".join(sums))
    print("".join(sums), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
