"""A table of what another system for the same purpose says, row by row: held by tests that run, or done otherwise for a reason."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIERS = ("unit", "contract", "statemachine", "e2e", "conformance")
"""Of the last the classes of tests/contract take their tests."""


@dataclass(frozen=True)
class Row:
    """One thing that the other system says."""

    says: str
    held: tuple[str, ...] = ()
    """Names of tests: tier/file::test."""
    otherwise: str = ""
    """What is done here in its place."""
    said: tuple[str, str] = ("", "")
    """Which document says so, and a piece of its text."""


@cache
def found_in(file: str) -> set[str]:
    """The tests in a file, those of its classes too, but for what is always skipped."""
    tree = ast.parse((ROOT / f"tests/{file}.py").read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {one.name for one in found if not any("skip" in ast.unparse(decorator) for decorator in one.decorator_list)}


def assert_held(row: Row) -> None:
    assert bool(row.held) != bool(row.otherwise), "one of the two"
    for name in row.held:
        file, _, test = name.partition("::")
        assert file.split("/")[0] in TIERS
        assert test in found_in(file), name
    document, text = row.said
    if row.otherwise:
        assert text in " ".join((ROOT / document).read_text().split())


def assert_once(rows: Sequence[Row]) -> None:
    assert len({row.says for row in rows}) == len(rows)
