"""Runs and gaps on a time axis, a row for each target, as SVG for the page."""

from datetime import datetime, timedelta
from html import escape

from rotation.told.outcome import DONE

from rotation_cli.evidence import Entry, Evidence, Gap, Window
from rotation_cli.words import shown

LEFT, WIDTH, ROW, TOP = 130, 1000, 46, 22
"""The names' column, all of it, a target's row, the months' line."""
NARROWEST = 74
"""A band needs so much room for words in it."""
MOST_MONTHS = 15


def timeline(evidence: Evidence) -> str:
    names = list(evidence.classes)
    height = TOP + ROW * len(names) + 4
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Runs and gaps on a time axis">']
    for month in _months(evidence.window):
        x = _x(evidence.window, month)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP - 6}V{height - 4}"/>')
        parts.append(f'<text class="month" x="{x + 3:.1f}" y="{TOP - 8}">{month:%b %Y}</text>')
    for number, name in enumerate(names):
        middle = TOP + ROW * number + ROW / 2
        parts.append(f'<path class="line" d="M{LEFT} {middle}H{WIDTH}"/>')
        parts.append(f'<text class="name" x="0" y="{middle + 4}">{escape(_short(name))}<title>{escape(name)}</title></text>')
        parts += [_band(evidence.window, gap, middle) for gap in evidence.gaps if gap.target == name]
        parts += [_mark(evidence.window, entry, middle) for entry in evidence.entries if entry.run.target == name]
    return "".join(parts) + "</svg>"


def _months(window: Window) -> list[datetime]:
    """Where months begin in it; of many, every so many."""
    found: list[datetime] = []
    moment = window.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while moment < window.end:
        found += [moment] if window.holds(moment) else []
        moment = (moment + timedelta(days=32)).replace(day=1)
    return found[:: -(-len(found) // MOST_MONTHS) or 1]


def _x(window: Window, moment: datetime) -> float:
    part = (moment - window.start) / (window.end - window.start)
    return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, part))


def _band(window: Window, gap: Gap, middle: float) -> str:
    left, right = _x(window, gap.since), _x(window, gap.until)
    told = f"{gap.days:.0f} days without a rotation, {gap.allowed_days} allowed"
    label = f"{gap.missed} missed" if gap.missed else "late"
    area = f'<rect class="gap" x="{left:.1f}" y="{middle - 19}" width="{right - left:.1f}" height="38"/>'
    words = f'<text class="gap-words" x="{(left + right) / 2:.1f}" y="{middle + 15}">{label}</text>'
    return f"<g><title>{escape(told)}</title>{area}{words if right - left > NARROWEST else ''}</g>"


def _mark(window: Window, entry: Entry, middle: float) -> str:
    run, x = entry.run, _x(window, entry.run.began)
    title = f"<title>{escape(f'{shown(run.began)} {run.name}: {run.outcome}')}</title>"
    if entry.failed:
        return f'<path class="failed" d="M{x - 5:.1f} {middle - 17}l9 9m0 -9l-9 9">{title}</path>'  # above what mended it
    if run.outcome in DONE:
        return f'<circle class="renewed" cx="{x:.1f}" cy="{middle}" r="5">{title}</circle>'
    return f'<circle class="other" cx="{x:.1f}" cy="{middle}" r="3">{title}</circle>'


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
