"""Where lines go: a terminal of any width, a file, a pipe. Nothing that is printed is taken for markup, for emoji or for orders."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

ENDLESS = 100_000
"""Where it is no terminal but a file or a pipe: a line stays a line, however long."""


def console() -> Console:
    """Plain where nobody looks at it."""
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else ENDLESS)


def clean(text: str) -> str:
    """Without what a terminal would obey: names and reasons are other people's texts."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A line for each row; where the terminal is too narrow for that, a paragraph for each row: no word is broken."""
    out = console()
    cells = [[cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row] for row in rows]
    wide = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        wide.add_column(column, no_wrap=True)
    for row in cells:
        wide.add_row(*row)
    if Measurement.get(out, out.options.update(width=ENDLESS), wide).maximum <= out.width:
        out.print(wide)
        return
    longest = max(len(column) for column in columns)
    for row in cells:
        for column, cell in zip(columns, row, strict=True):
            out.print(Text.assemble((f"{column + ':':<{longest + 2}}", "dim"), cell), soft_wrap=True)
        out.print()


def as_json(document: Any) -> None:
    """One document, for another program."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
