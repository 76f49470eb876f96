"""What a release brings of the command runs: with the packages it names and no others of this repository's."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rotation_cli import DISTRIBUTION

from local import release
from tests.whole import only_with_more

ROOT = Path(__file__).resolve().parents[2]
BUILT_FROM = ("pyproject.toml", "cli", "layers/rotation")


PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
INSTALL = ["install", "-qq", "--no-compile"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a copy: pip leaves what it builds beside the source."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, source / name)
    return release.wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Into a folder of its own."""
    into = tmp_path_factory.mktemp("installed")
    subprocess.run([*PIP, *INSTALL, "--no-deps", "--target", into, wheel], check=True, capture_output=True, timeout=120)
    return into


def rotation(installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ROTATION_", "PYTHON"))}
    environment = clean | {"PYTHONPATH": str(installed), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, str(installed / "bin" / "rotation"), *arguments]
    return subprocess.run(command, env=environment, cwd=installed, capture_output=True, text=True, timeout=60)


def test_it_knows_its_version(installed: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert rotation(installed, "--version").stdout == f"rotation, version {version}\n"


def test_what_is_no_python_is_there_too(installed: Path) -> None:
    """The schema and the pages are read at run time only."""
    asked = """
from importlib.resources import files
from rotation.kinds.target import parse_target
print(all(files("rotation_cli").joinpath(name).is_file() for name in ("report.html", "fleet.html", "page.css")))
try:
    parse_target("openemr", "{}")
except Exception as error:
    print(error)
"""
    environment = {"PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-c", asked], env=environment, cwd=installed, capture_output=True, text=True)
    assert done.stdout.startswith("True\nopenemr: the target document is wrong: "), done.stderr


def test_bad_input_is_one_line_and_code_2(installed: Path) -> None:
    done = rotation(installed, "report", "--from", "soon", "--to", "later")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "--from 'soon' is not a date" in done.stderr


def test_it_is_installed_under_a_name_that_nobody_else_has() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"] == DISTRIBUTION
    assert DISTRIBUTION != "credential-rotation", "that one on PyPI is somebody else's"
    assert f"{DISTRIBUTION.replace('-', '_')}-1.2.3-py3-none-any.whl" in (ROOT / "docs/RELEASING.md").read_text()


@only_with_more
def test_what_a_release_brings_installs_by_itself_with_all_it_needs(wheel: Path, tmp_path: Path) -> None:
    """As pipx does: a new environment, the wheel, its packages, and the command is there."""
    venv = tmp_path / "venv"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", venv],
        [*PIP, "--python", venv / "bin/python", *INSTALL, wheel],
    ):
        subprocess.run(command, check=True, capture_output=True, env=clean, timeout=300)
    done = subprocess.run([venv / "bin/rotation", "--help"], env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "report" in done.stdout
