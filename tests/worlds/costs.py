"""The tables of docs/costs.md, which tests hold against what they count."""

import re

from tests.statemachine.machine import ROOT

CALLS = ("GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")
Row = tuple[int, ...]
"""As the columns are: how often each of CALLS is made, and the logins."""
SUM = "Sum"
PAGE = ROOT / "docs" / "costs.md"


def documented() -> dict[str, Row]:
    """By state; and the sum."""
    rows = re.findall(r"^\| (\w+) \|((?: *\d* *\|){5})$", PAGE.read_text(), re.MULTILINE)
    return {state: tuple(int(cell.strip() or 0) for cell in cells.split("|")[:5]) for state, cells in rows}


def transitions() -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """By part of a rotation: how many, and how many each further look adds; and by application."""
    (text,) = re.findall(r"^## Transitions\n(.*?)^## ", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    parts = re.findall(r"^\| ([^|]+) \| (\d+) \| *(\d*) *\|$", text, re.MULTILINE)
    applications = re.findall(r"^\| ([^|]+) \| (\d+) \|$", text, re.MULTILINE)
    return {name.strip("`"): (int(all_), int(more or 0)) for name, all_, more in parts}, {
        name: int(all_) for name, all_ in applications
    }
