"""How a demo ends: told on the terminal, and written as a page to look at."""

from __future__ import annotations

from local import canary, page
from local.options import Options
from local.report import Report
from local.running import Running
from local.telling import tell


def finish(stack: Running, report: Report, options: Options) -> int:
    """Told, and written as a page. The exit code."""
    html = page.render(report)
    _refuse_passwords(stack, html)
    tell(report)
    print(f"page: {page.write(html, options.page)}")
    for problem in report.problems:
        print(f"NOT WELL: {problem}")
    print("NOT WELL" if report.problems else "All is well.")
    return 1 if report.problems else 0


def _refuse_passwords(stack: Running, html: str) -> None:
    """The page outlives the run, so it is searched too, before it is written."""
    ways = (way for password in canary.passwords(stack) for _, way in canary.ways_to_write(password))
    if any(way in html.encode() for way in ways):
        raise AssertionError("a password is in the page; it was not written")
