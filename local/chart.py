"""The picture: the states of every execution over the requests, on one time axis.

Positions are per cent of the axis, so that it fits every width while text and thin bars keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from local.report import Chapter, Lane, Report
from local.timeline import Bar, bars, rows
from local.traffic import OTHERS, Traffic, area, traffic

TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # seconds
MOST_TICKS = 12
COLOURS = 3


@dataclass(frozen=True)
class Axis:
    start: float
    end: float

    def at(self, moment: float) -> float:
        """Per cent."""
        return 100 * (moment - self.start) / (self.end - self.start)

    def place(self, start: float, end: float) -> str:
        left = self.at(start)
        return f"left:{left:.3f}%;width:{max(self.at(end) - left, 0):.3f}%"


def chart(report: Report) -> str:
    """HTML; nothing but a sentence if there is nothing to draw."""
    axis = _axis(report)
    if axis is None:
        return "<p>No request was sent and no execution was started.</p>"
    return _drawn(report, axis, _states(report, axis))


def lanes(report: Report) -> list[str]:
    """The same of each credential, with the states in one row, all on one axis."""
    axis = _axis(report)
    if axis is None:
        return []
    return [_drawn(one, axis, [_row("states", "".join(_bar(bar, axis) for bar in _bars(one)), "state")]) for one in report.lanes]


def _drawn(shown_of: Report | Lane, axis: Axis, states: list[str]) -> str:
    shown = traffic(shown_of.requests, shown_of.users)
    colours = {user: f"user{number % COLOURS}" for number, user in enumerate(shown_of.users)}
    return "".join(
        [
            f'<div class="under">{"".join(_under(shown_of, axis))}</div>',
            _row("", "".join(_head(chapter, axis) for chapter in shown_of.chapters), "heads"),
            *states,
            _row("active user" if isinstance(shown_of, Report) else "in use", "".join(_active(shown_of, axis, colours)), "active"),
            _row(_scale(shown), _requests(shown, axis, colours), "requests"),
            _row("failed", "".join(_failed(shown, axis)) or '<i class="none">none</i>', "failed"),
            _row("", "".join(_ticks(axis)), "ticks"),
            f'<div class="over">{"".join(_over(shown_of, shown, axis))}</div>',
        ]
    )


def _axis(report: Report) -> Axis | None:
    shown = traffic(report.requests, report.users)
    moments = [shown.start, shown.start + shown.seconds] if shown.failed else []
    moments += [moment for chapter in report.chapters for moment in (chapter.run.began, chapter.run.ended)]
    return Axis(min(moments), max(moments)) if moments else None


def _row(label: str, track: str, kind: str) -> str:
    return f'<div class="row {kind}"><div class="label">{label}</div><div class="track">{track}</div></div>'


def _head(chapter: Chapter, axis: Axis) -> str:
    """What it is called and how it ended, above its states."""
    run = chapter.run
    told = f"{chapter.name}, {run.seconds:.0f} s" + (f", {chapter.made_to_fail} made to fail" if chapter.made_to_fail else "")
    place, title = axis.place(run.began, run.ended), escape(f"{run.outcome}: {told}")
    return (
        f'<div class="head {chapter.verdict}" style="{place}" title="{title}">'
        f"<b>{escape(run.outcome)}</b><span>{escape(told)}</span></div>"
    )


def _bars(report: Report | Lane) -> list[Bar]:
    return [bar for chapter in report.chapters for bar in bars(chapter.run)]


def _states(report: Report, axis: Axis) -> list[str]:
    drawn = _bars(report)
    return [
        _row(escape(row), "".join(_bar(bar, axis) for bar in drawn if bar.row == row), "state")
        for row in rows(chapter.run for chapter in report.chapters)
    ]


def _bar(bar: Bar, axis: Axis) -> str:
    label = f"<span>{escape(bar.label)}</span>" if bar.kind == "wait" and not bar.looked_at else ""
    return f'<div class="bar {bar.kind}" style="{axis.place(bar.start, bar.end)}" title="{escape(bar.title)}">{label}</div>'


def _active(report: Report | Lane, axis: Axis, colours: dict[str, str]) -> list[str]:
    """A stretch from flip to flip."""
    flips = [(chapter.flipped, chapter.after) for chapter in report.chapters if chapter.flipped is not None]
    first = [(axis.start, chapter.before) for chapter in report.chapters[:1]]
    changes = [*first, *flips]
    ends = [moment for moment, _ in changes[1:]] + [axis.end]
    return [
        f'<div class="{colours[user]}" style="{axis.place(start, end)}" title="{escape(user)} is active">'
        f"<span>{escape(user)}</span></div>"
        for (start, user), end in zip(changes, ends, strict=True)
    ]


def _scale(shown: Traffic) -> str:
    """Where it is full, and half of it; a label's line is as high as the track."""
    marks = ((rate, 100 - 100 * rate / _top(shown)) for rate in (round(shown.highest), round(shown.highest / 2)) if rate)
    return "requests per second" + "".join(f'<i style="top:{top:.1f}%">{rate}</i>' for rate, top in marks)


def _top(shown: Traffic) -> float:
    """Of the scale: some room above the highest."""
    return 1.15 * shown.highest or 1.0


def _requests(shown: Traffic, axis: Axis, colours: dict[str, str]) -> str:
    lower, paths = [0.0] * len(shown.failed), []
    for user, rates in shown.layers.items():
        upper = [below + rate for below, rate in zip(lower, rates, strict=True)]
        colour = colours.get(user, OTHERS) if user else "failures"
        paths.append(f'<path class="{colour}" d="{area(lower, upper)}"/>')
        lower = upper
    place, width, height = axis.place(shown.start, shown.start + shown.seconds), shown.seconds / shown.width, _top(shown)
    # upside down: in the picture more is higher
    return (
        f'<svg style="{place}" viewBox="0 0 {width:.3f} {height:.2f}" preserveAspectRatio="none" aria-hidden="true">'
        f'<g transform="matrix(1 0 0 -1 0 {height:.2f})">{"".join(paths)}</g></svg>'
    )


def _failed(shown: Traffic, axis: Axis) -> list[str]:
    """How many, under each outage."""
    return [f'<b style="left:{axis.at((start + end) / 2):.3f}%">{failed:,}</b>' for start, end, failed in shown.outages]


def _ticks(axis: Axis) -> list[str]:
    return [f'<span style="left:{axis.at(axis.start + second):.3f}%">{second} s</span>' for second in _seconds(axis)]


def _seconds(axis: Axis) -> range:
    length = axis.end - axis.start
    step = next((tick for tick in TICKS if length / tick <= MOST_TICKS), 7200)
    return range(0, int(length) + 1, step)


def _under(report: Report | Lane, axis: Axis) -> list[str]:
    """What all rows stand on."""
    grid = [f'<div class="grid" style="left:{axis.at(axis.start + second):.3f}%"></div>' for second in _seconds(axis)]
    return grid + [f'<div class="panel" style="{axis.place(one.run.began, one.run.ended)}"></div>' for one in report.chapters]


def _over(report: Report | Lane, shown: Traffic, axis: Axis) -> list[str]:
    """What runs through all rows: failed seconds, flips, in a lane withdrawals, the line under the pointer."""
    gone = [f'<div class="gone" style="{axis.place(start, end)}"></div>' for start, end, _ in shown.outages]
    flips = [
        f'<div class="flip" style="left:{axis.at(chapter.flipped):.3f}%"><span>flip</span></div>'
        for chapter in report.chapters
        if chapter.flipped is not None
    ]
    withdrawn = [
        f'<div class="flip withdrawn" style="left:{axis.at(chapter.withdrawn):.3f}%"><span>withdrawn</span></div>'
        for chapter in report.chapters
        if chapter.withdrawn is not None and isinstance(report, Lane)
    ]
    pointer = f'<div class="pointer" data-start="{axis.at(shown.start):.3f}" data-seconds="{axis.end - axis.start:.3f}"></div>'
    return [*gone, *flips, *withdrawn, pointer]
