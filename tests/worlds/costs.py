"""The table of docs/costs.md, which tests hold against what they count."""

import re

from tests.statemachine.machine import ROOT

CALLS = ("GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")
Row = tuple[int, ...]
"""As the columns are: how often each of CALLS is made, and the logins."""
SUM = "Sum"


def documented() -> dict[str, Row]:
    """By state; and the sum."""
    rows = re.findall(r"^\| (\w+) \|((?: *\d* *\|){5})$", (ROOT / "docs" / "costs.md").read_text(), re.MULTILINE)
    return {state: tuple(int(cell.strip() or 0) for cell in cells.split("|")[:5]) for state, cells in rows}
