"""The pages for people, README and docs, as the tests hold them against the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES["README.md"]


def section(title: str, page: str) -> str:
    """The text under a heading of a page, down to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", PAGES[page], re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {title!r}"
    return found.group(1)


def first_column(text: str) -> list[str]:
    """What stands in backticks in the first column of the tables."""
    return [name for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def rows(text: str) -> dict[str, list[str]]:
    """First column → the others, of the rows that begin with something in backticks."""
    cells = (line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    return {first.strip().strip("`"): [cell.strip() for cell in rest] for first, *rest in cells}


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as a browser gets them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
