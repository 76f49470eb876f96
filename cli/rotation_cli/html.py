"""Pieces of pages that are one file, with no script and nothing loaded. Whatever is not HTML already is escaped here."""

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template


def filled(template: str, **parts: str) -> str:
    """A page of this package. `parts` are HTML already."""
    folder = resources.files("rotation_cli")
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    return Template(folder.joinpath(template).read_text(encoding="utf-8")).substitute(style=style, **parts)


def tile(figure: int | None, meaning: str, state: str) -> str:
    """A figure, and what it counts."""
    return f'<li class="{state}"><b>{"not known" if figure is None else f"{figure:,}"}</b><span>{escape(meaning)}</span></li>'


def small(text: str) -> str:
    """Below what it belongs to."""
    return f"<small>{escape(text)}</small>" if text else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """`rows` are HTML already. Empty: no table."""
    if not rows:
        return ""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "".join("<tr>" + "".join(map(_cell, head, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _cell(title: str, cell: str) -> str:
    """Where the screen is too narrow for a table, each cell is called by its title."""
    return f'<td data-label="{escape(title)}">{cell}</td>'


def none() -> str:
    """In the place of an empty table."""
    return "<p>None.</p>"


def listed(lines: Sequence[str]) -> str:
    """One below the other."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""
