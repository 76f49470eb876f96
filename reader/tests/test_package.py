"""What makes it usable by any application: nothing beside Python, typed, old Pythons."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import credential_reader

FOLDER = Path(credential_reader.__file__).parent
PROJECT = (FOLDER.parent / "pyproject.toml").read_text()
MODULES = sorted(FOLDER.glob("*.py"))
OLDEST = (3, 9)


def imported(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python does not know the names of its own modules")
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_needs_nothing_but_python_and_reads_as_the_oldest_one_does(module: Path) -> None:
    tree = ast.parse(module.read_text(), feature_version=OLDEST)
    needed = {name.partition(".")[0] for name in imported(tree)}
    assert needed <= {"credential_reader", *sys.stdlib_module_names}


def test_the_project_says_the_same() -> None:
    assert f'requires-python = ">={OLDEST[0]}.{OLDEST[1]}"' in PROJECT
    assert "dependencies = []" in PROJECT
    assert f'target-version = "py{OLDEST[0]}{OLDEST[1]}"' in PROJECT
    assert (FOLDER / "py.typed").exists()


def test_the_readme_names_what_there_is() -> None:
    readme = (FOLDER.parent / "README.md").read_text()
    named = {
        name for line in re.findall(r"^from credential_reader import (.+)$", readme, re.MULTILINE) for name in line.split(", ")
    }
    assert named
    assert named <= set(credential_reader.__all__)
