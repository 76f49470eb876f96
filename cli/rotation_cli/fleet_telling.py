"""What is printed of a fleet's runs."""

from rich.text import Text
from rotation.fleet.run import Turn, execution_name

from rotation_cli.fleets import RUNNING, FleetRun, named, went_wrong
from rotation_cli.screen import clean, console, table
from rotation_cli.words import lasted, shown

NAMED = 10


def progress(run: FleetRun) -> str:
    """How far it is, in one line."""
    if run.plan is None:
        return f"{run.name}: looks which targets are due"
    had = sum(one[1] for one in run.waves)
    at = next((number for number, (size, done, _) in enumerate(run.waves) if done < size), len(run.waves) - 1)
    what = "the canaries" if at == 0 else f"wave {at} of {len(run.waves) - 1}"
    failed = sum(one[2] for one in run.waves)
    return f"{run.name}: {what}, {had} of {sum(one[0] for one in run.waves)} had their turn, {failed} failed"


def tell_fleet(run: FleetRun) -> None:
    """How it stands: its waves, what came of the targets, and who asks for somebody."""
    out = console()
    spent = lasted((run.ended - run.began).total_seconds()) if run.ended else "it goes on"
    how = run.end or ("runs" if run.status == RUNNING else run.status)
    out.print(Text(clean(f"{run.name}: {how}, began {shown(run.began)} UTC, {spent}"), style="bold"))
    if run.plan is None:
        out.print(
            "nothing was found out yet" if run.status == RUNNING else "it could not find out what is due: no target was touched"
        )
        return
    said = ", ".join(f"{number} {word}" for word, number in sorted(run.counts.items(), key=lambda one: (-one[1], one[0])))
    out.print(f"{len(run.plan.targets)} targets: {said}")
    if run.stopped:
        out.print(clean(f"stopped: {run.stopped}"))
    if run.waves:
        rows = [
            ["canaries" if number == 0 else str(number), str(size), str(done), str(failed)]
            for number, (size, done, failed) in enumerate(run.waves)
        ]
        table(["wave", "targets", "had their turn", "failed"], rows)
    if run.asking:
        out.print(clean(f"asks for somebody: {named(run.asking, NAMED)}; rotation fleet report {run.name}"))


def tell_targets_of(run: FleetRun, *, asking: bool) -> None:
    """A line for each target, those that ask for somebody first."""
    rows: list[list[str | Text]] = [_row(run, one) for one in (run.asking if asking else run.turns)]
    if rows:
        table(["target", "stood", "days", "wave", "outcome", "why", "look at"], rows)


def _row(run: FleetRun, one: Turn) -> list[str | Text]:
    failed = one.outcome is not None and one.outcome.failed
    turn = "" if one.wave is None else "canary" if one.wave == 0 else str(one.wave)
    came = Text(str(one.outcome or ("" if one.wave is None else "not begun")), style="bold red" if went_wrong(one) else "")
    days = "" if one.days is None else f"{one.days:.1f}{' LATE' if one.overdue else ''}"
    return [
        one.target,
        str(one.standing),
        days,
        turn,
        came,
        one.said,
        f"rotation explain {execution_name(run.name, one.target)}" if failed else "",
    ]
