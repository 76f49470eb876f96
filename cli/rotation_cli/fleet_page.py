"""One run of a fleet as a page: one file, nothing loaded from elsewhere, no script; to be read, printed and sent on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from rotation.fleet.budget import may_fail
from rotation.fleet.outcome import Outcome
from rotation.fleet.report import DO_FOR, TRUE_OF, End
from rotation.fleet.run import Plan, Turn, execution_name, folder

from rotation_cli import html
from rotation_cli.fleets import DONE, RUNNING, FleetRun, went_wrong
from rotation_cli.words import count, lasted, shown

BAR = 100
"""Width of a wave's bar, in its own units."""
SORTS = {"rotated": DONE, "failed": tuple(one for one in Outcome if one.failed), "other": (Outcome.BUSY,)}
"""Parts of a bar, by how they are drawn; the rest waits."""


def render(run: FleetRun, stack: str, bucket: str, made_at: datetime) -> str:
    """The page."""
    return html.filled(
        "fleet.html",
        run=escape(run.name),
        stack=escape(stack),
        verdict=_verdict(run),
        sentence=escape(_sentence(run)),
        times=escape(_times(run)),
        tiles="".join(_tiles(run)),
        budget=escape(_budget(run)),
        waves=_waves(run),
        failed=_failed(run),
        late=_late(run),
        people=_people(run),
        targets=_targets(run),
        source=f"<code>{escape(f's3://{bucket}/{folder(run.name)}')}</code>",
        made_at=shown(made_at),
    )


def _verdict(run: FleetRun) -> str:
    if run.end == End.ROTATED:
        return "look" if run.asking else "good"
    return "look" if run.status == RUNNING else "bad"


def _sentence(run: FleetRun) -> str:
    if run.plan is None:
        return (
            "It looks which targets are due." if run.status == RUNNING else "What is due was not found out: no target was touched."
        )
    said = ", ".join(f"{number} {word}" for word, number in sorted(run.counts.items(), key=lambda one: (-one[1], one[0])))
    true = f" What is true: {TRUE_OF[End(run.end)]}." if run.end in set(End) else ""
    stopped = f" Stopped: {run.stopped}." if run.stopped else ""
    return f"{count(len(run.plan.targets), 'target')}: {said}.{stopped}{true}"


def _times(run: FleetRun) -> str:
    how = run.end or ("it runs" if run.status == RUNNING else run.status)
    spent = f"ended {shown(run.ended)} after {lasted((run.ended - run.began).total_seconds())}" if run.ended else "goes on"
    return f"{how}. Began {shown(run.began)}, {spent}."


def _tiles(run: FleetRun) -> Iterable[str]:
    turns = run.turns
    failed = sum(bool(one.outcome and one.outcome.failed) for one in turns)
    waiting = sum(one.wave is not None and one.outcome is None for one in turns)
    late = len(_are_late(turns))
    yield html.tile(sum(one.outcome in DONE for one in turns), "use another credential", "good")
    yield html.tile(failed, "failed", "bad" if failed else "good")
    yield html.tile(waiting, "due, and their turn has not come or not ended", "look" if waiting else "good")
    yield html.tile(late, "late, and not rotated by this run", "bad" if late else "good")


def _budget(run: FleetRun) -> str:
    plan = run.plan
    if plan is None or not plan.waves:
        return "No target was due, so no wave was begun."
    allowed, settings = may_fail(plan.waves, plan.settings.percent), plan.settings
    return (
        f"Of {count(len(plan.to_do), 'target')} that were due {allowed} may fail ({settings.percent:g} %), of the canaries none;"
        f" it is asked between two waves. {settings.at_once} at once, {settings.per_place} on one server or in one cluster."
    )


def _waves(run: FleetRun) -> str:
    plan = run.plan
    if plan is None or not plan.waves:
        return ""
    largest = max(map(len, plan.waves))
    rows, failed = [], 0
    for number, wave in enumerate(plan.waves):
        parts = _parts(run, wave)
        failed += parts["failed"]
        rows.append(_wave(plan, number, parts, failed, largest))
    return html.table(["wave", "targets", "rotated", "failed", "failed so far", "share"], rows)


def _parts(run: FleetRun, wave: Sequence[str]) -> dict[str, int]:
    came = {one.target: one.outcome for one in run.turns}
    return {sort: sum(came[target] in outcomes for target in wave) for sort, outcomes in SORTS.items()}


def _wave(plan: Plan, number: int, parts: dict[str, int], failed: int, largest: int) -> list[str]:
    """`failed`: with the waves before it."""
    size, allowed = len(plan.waves[number]), may_fail(plan.waves, plan.settings.percent)
    over = failed > allowed or (number == 0 and failed and len(plan.waves) > 1)
    begun = sum(parts.values())
    return [
        "canaries" if number == 0 else str(number),
        str(size),
        str(parts["rotated"]),
        _marked(str(parts["failed"]), "bad" if parts["failed"] else ""),
        _marked(f"{failed}, and {0 if number == 0 else allowed} may", "bad" if over else "") if begun else "not begun",
        _bar(parts, size, largest),
    ]


def _bar(parts: dict[str, int], size: int, largest: int) -> str:
    drawn, left = [], 0.0
    for sort, number in {**parts, "waits": size - sum(parts.values())}.items():
        width = BAR * number / largest
        if number:
            drawn.append(f'<rect class="{sort}" x="{left:.2f}" y="0" width="{width:.2f}" height="10"/>')
        left += width
    said = ", ".join(f"{number} {sort}" for sort, number in parts.items() if number) or "nobody has had a turn"
    return (
        f'<svg class="bar" viewBox="0 0 {BAR} 10" preserveAspectRatio="none" role="img" aria-label="{escape(said)}">'
        f"{''.join(drawn)}</svg>"
    )


def _failed(run: FleetRun) -> str:
    rows = [
        [
            escape(one.target),
            _marked(str(one.outcome), "bad"),
            escape(one.why or "it said nothing"),
            escape(DO_FOR[one.outcome].replace("`", ""))
            + f"<small><code>rotation explain {escape(execution_name(run.name, one.target))}</code></small>",
        ]
        for one in run.turns
        if one.outcome is not None and one.outcome.failed
    ]
    return html.table(["target", "outcome", "why", "what to do"], rows) or html.none()


def _are_late(turns: Iterable[Turn]) -> list[Turn]:
    return [one for one in turns if went_wrong(one) and not (one.outcome and one.outcome.failed)]


def _late(run: FleetRun) -> str:
    rows = [[escape(one.target), str(one.standing), _days(one), escape(one.why)] for one in _are_late(run.turns)]
    return html.table(["target", "it stood", "days", "why"], rows) or html.none()


def _people(run: FleetRun) -> str:
    rows = [[escape(one.target), escape(one.people)] for one in run.turns if one.people]
    return html.table(["target", "what to do"], rows) or html.none()


def _targets(run: FleetRun) -> str:
    rows = [
        [
            escape(one.target),
            str(one.standing),
            _days(one),
            "" if one.wave is None else "canary" if one.wave == 0 else str(one.wave),
            _marked(str(one.outcome or ("" if one.wave is None else "not begun")), "bad" if went_wrong(one) else ""),
        ]
        for one in run.turns
    ]
    return html.table(["target", "it stood", "days", "wave", "outcome"], rows) or html.none()


def _days(turn: Turn) -> str:
    return "" if turn.days is None else f"{turn.days:.1f}" + (' <span class="bad">late</span>' if turn.overdue else "")


def _marked(text: str, state: str) -> str:
    return f'<span class="{state}">{escape(text)}</span>' if state else escape(text)
