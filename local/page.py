"""The demo's page: one HTML file that needs nothing else, of which everything can be understood without the project.

page.html is the frame with style and script; here are the facts. Whatever comes from outside of this file is escaped.
"""

from __future__ import annotations

import json
from collections import Counter
from html import escape
from pathlib import Path
from string import Template

from local.chart import chart, lanes
from local.report import Chapter, Lane, Report, Retired, waits
from local.traffic import OTHERS, Traffic, traffic

FRAME = Path(__file__).with_suffix(".html")
MOST_REASONS = 5
ONE = (
    "Above, each execution of the state machine walks down its states, and back up if it has to undo; below, the requests"
    " meanwhile, by the database user that served them."
)
SEVERAL = (
    "One lane for each kind, all on one time axis. In it, from above: how its rotation ended, its states one after the other, which"
    " credential the services are to use, and the requests that need it, by the credential that served them."
)


def render(report: Report) -> str:
    shown = [traffic(one.requests, one.users) for one in report.lanes or [report]]
    parts = {
        "state": "bad" if report.problems else "good",
        "verdict": "Not well" if report.problems else "All is well",
        "summary": escape(_summary(report)),
        "problems": _list(report.problems),
        "tiles": "".join(_tiles(report)),
        "explained": escape(SEVERAL if report.lanes else ONE),
        "charts": "".join(_lanes(report)) if report.lanes else f'<div class="chart">{chart(report)}</div>',
        "others": _others(report, shown),
        "executions": _table(
            ["execution", "active user", "outcome", "total", "working", "waiting"],
            [_execution(chapter) for chapter in report.chapters],
        ),
        "breadth": ' class="wide several"' if report.lanes else "",
        "several": " several" if report.lanes else "",
        "requests": _requests(report),
        "retired": _table(
            ["user", "retired by", "tried again"],
            [[escape(one.user), escape(one.by), _refused(one)] for one in report.retired],
        ),
        "credentials": escape(f"{report.called}s"),
        "leaks": _leaks(report),
        "searched": escape(report.searched),
        "setup": _pairs(report.setup),
        "overrides": _pairs(report.overrides),
        "data": _data(shown),
    }
    return Template(FRAME.read_text()).substitute(parts)


def write(html: str, path: Path) -> Path:
    """Where it was written; replaces the one of the last demo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html)
    return path


def _summary(report: Report) -> str:
    rotations = sum(chapter.run.outcome == "RotationSucceeded" for chapter in report.chapters)
    text = f"{_count(rotations, 'rotation')} of {report.rotated} under {_count(len(report.requests.requests), 'request')}"
    for chapter in report.chapters:
        if chapter.made_to_fail:
            expectedly = ", as it must" if chapter.as_expected else f" instead of {chapter.expected}"
            text += f"; one more was made to fail at {chapter.made_to_fail} and ended as {chapter.run.outcome}{expectedly}"
    return f"{text}. {report.seconds:.0f} s in all, {report.waiting:.0f} s of them waiting on purpose."


def _tiles(report: Report) -> list[str]:
    failed, total = len(report.requests.failures), len(report.requests.requests)
    refused = sum(login.refused for login in report.retired)
    expected = sum(chapter.as_expected for chapter in report.chapters)
    return [
        _tile(f"{failed:,}", f"of {_count(total, 'request')} failed", good=not failed and total > 0),
        _tile(f"{expected} of {len(report.chapters)}", "executions ended as they should", good=expected == len(report.chapters)),
        _tile(f"{refused} of {len(report.retired)}", f"retired {report.called}s are refused", good=refused == len(report.retired)),
        _tile(str(len(report.leaks)), f"{report.called}{'' if len(report.leaks) == 1 else 's'} leaked", good=not report.leaks),
    ]


def _tile(figure: str, meaning: str, *, good: bool) -> str:
    return f'<li class="{"good" if good else "bad"}"><b>{escape(figure)}</b><span>{escape(meaning)}</span></li>'


def _execution(chapter: Chapter) -> list[str]:
    run = chapter.run
    users = chapter.before if chapter.before == chapter.after else f"{chapter.before} → {chapter.after}"
    told = run.outcome if chapter.as_expected else f"{run.outcome}, not {chapter.expected}"
    outcome = f'<span class="{chapter.verdict}">{escape(told)}</span>'
    if chapter.made_to_fail:
        outcome += f"<small>made to fail at {escape(chapter.made_to_fail)}</small>"
    if run.cause:
        outcome += f"<p>{escape(run.cause)}</p>"
    split = ", ".join(f"{what} {seconds:.1f}" for what, seconds in waits(run).items())
    waiting = f"{run.waiting:.1f} s" + (f"<small>{escape(split)}</small>" if split else "")
    return [escape(chapter.name), escape(users), outcome, f"{run.seconds:.1f} s", f"{run.working:.1f} s", waiting]


def _lanes(report: Report) -> list[str]:
    return [
        f'<div class="lane"><h3>{escape(lane.title)} <small>{escape(lane.does)}</small></h3><div class="chart">{drawn}</div></div>'
        for lane, drawn in zip(report.lanes, lanes(report), strict=True)
    ]


def _others(report: Report, shown: list[Traffic]) -> str:
    more = '<span><i class="turn withdrawn"></i>withdrawn: from here on the old one is refused</span>' if report.lanes else ""
    if any(OTHERS in one.served for one in shown):
        more += f'<span><i class="others"></i>{OTHERS} users, or none</span>'
    return more


def _by_lane(lane: Lane) -> list[str]:
    requests = lane.requests
    figures = [f"{requests.rate:.1f}", f"{requests.served:,}", _failed(len(requests.failures)), f"{requests.slowest():.0f} ms"]
    return [escape(lane.title), escape(lane.does), *figures]


def _requests(report: Report) -> str:
    if report.lanes:
        table = _table(
            ["kind", "each request", "per second", "served", "failed", "slowest"], [_by_lane(lane) for lane in report.lanes]
        )
        return f"{table}<p>None was tried again.</p>{_reasons(report)}"
    rows = [[escape(user), f"{served:,}", _failed(failed)] for user, (served, failed) in report.requests.by_user().items()]
    failures = report.requests.failures
    rows.append(["together", f"{report.requests.served:,}", _failed(len(failures))])
    slowest = f"<p>The slowest took {report.requests.slowest():.0f} ms. None was tried again.</p>"
    return _table(["database user", "served", "failed"], rows) + slowest + _reasons(report)


def _reasons(report: Report) -> str:
    reasons = Counter(str(one.reason) for one in report.requests.failures).most_common(MOST_REASONS)
    return _list([f"{times:,} times: {reason}" for reason, times in reasons])


def _failed(count: int) -> str:
    return _mark(f"{count:,}", good=not count)


def _refused(login: Retired) -> str:
    return _mark("refused" if login.refused else "still accepted", good=login.refused)


def _leaks(report: Report) -> str:
    return _list(report.leaks) or f"<p>{_mark('None found', good=True)}</p>"


def _mark(text: str, *, good: bool) -> str:
    return f'<span class="{"good" if good else "bad"}">{escape(text)}</span>'


def _table(head: list[str], rows: list[list[str]]) -> str:
    """`rows` are HTML already."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "".join("<tr>" + "".join(map(_cell, head, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _cell(title: str, cell: str) -> str:
    """Where the screen is too narrow for a table, each cell is called by its title."""
    return f'<td data-label="{escape(title)}">{cell}</td>'


def _pairs(values: dict[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in values.items()) + "</dl>"


def _list(lines: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


def _data(shown: list[Traffic]) -> str:
    """For the line under the pointer, of each chart. `<` is the one character that could end the element it stands in."""
    data = [{"width": one.width, "served": _rounded(one.served), "failed": one.failed} for one in shown]
    return json.dumps(data).replace("<", "\\u003c")


def _rounded(served: dict[str, list[float]]) -> dict[str, list[float]]:
    return {user: [round(rate, 1) for rate in rates] for user, rates in served.items()}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
