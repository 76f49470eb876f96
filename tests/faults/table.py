"""What was explored, as one table and one line to quote."""

import io
from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.faults.jobs import Done, Job

WIDTH = 150
HEADS = {
    "single": "one fault",
    "pairs": "two faults",
    "rivals": "two at once",
    "button": "the button",
    "schedules": "drawn at random",
    "edits": "edited by hand",
    "owner": "a shared admin",
}


def table(done: list[Done]) -> str:
    """Rows in the order of their kinds; then what cannot happen, then each mutation with the shortest way to it."""
    kinds = list(HEADS)
    rows = sorted((one for one in done if one.job.kind in HEADS), key=lambda one: (kinds.index(one.job.kind), one.job.name))
    shown = Table("", "scenario", *(("boundaries", "faults", "runs", "recovered", "violations")), title="Faults")
    for one in _added_up(rows):
        well = one.runs - len(one.found)
        numbers = (one.boundaries, one.pairs or one.cells, one.runs, well, len(one.found))
        shown.add_row(HEADS[one.job.kind], one.job.name, *(f"{number:,}" if number else "0" for number in numbers))
    inapplicable: Counter[str] = Counter()
    for one in rows:
        if one.job.kind == "single":
            inapplicable.update(one.inapplicable)
    apart = [f"  not applicable, {count:,} times: {why}" for why, count in inapplicable.most_common()]
    apart += [f"  two faults, {one.job.name}: {_share(one)}" for one in rows if one.left_out]
    return "\n".join([_drawn(shown), *apart, _drawn(_mutations(done))])


def _share(*done: Done) -> str:
    made = sum(one.pairs for one in done)
    every = made + sum(one.left_out for one in done)
    return f"{made:,} of {every:,} pairs ({100 * made / every:.0f} %), all that touch an ALTER, a DISCARD or a label"


def _added_up(rows: list[Done]) -> list[Done]:
    """The schedules of each sort are one row."""
    sorts: dict[str, list[Done]] = {}
    for one in rows:
        if one.job.kind == "schedules":
            sorts.setdefault(one.job.arguments[0], []).append(one)
    rest = [one for one in rows if one.job.kind != "schedules"]
    return rest + [
        Done(
            Job("schedules", f"two runs and an operator, {sort}"),
            runs=sum(one.runs for one in done),
            found=tuple(found for one in done for found in one.found),
        )
        for sort, done in sorts.items()
    ]


def _mutations(done: list[Done]) -> Table:
    shown = Table("mutation", "caught by", "in", "after", title="Faults put back, and what caught them", show_lines=False)
    for one in done:
        if one.job.kind == "mutation":
            law, where, *path = one.caught or ("NOT CAUGHT", "", "")
            shown.add_row(one.job.name, law, where, "\n".join(path))
    return shown


def line(done: list[Done], level: str, seconds: float) -> str:
    """To be quoted."""
    kinds = {kind: [one for one in done if one.job.kind == kind] for kind in (*HEADS, "mutation")}
    single, pairs = (sum(one.runs for one in kinds[kind]) for kind in ("single", "pairs"))
    orders = sum(one.runs for kind in ("rivals", "button", "schedules") for one in kinds[kind])
    edits = sum(one.runs for one in kinds["edits"])
    violations = sum(len(one.found) for one in done if one.job.kind != "mutation")
    caught, all_of_them = sum(one.well for one in kinds["mutation"]), len(kinds["mutation"])
    what = [
        f"{single:,} runs with one fault",
        f"{pairs:,} with two ({_share(*kinds['pairs'])})" if pairs else "",
        f"{orders:,} interleavings" if orders else "",
        f"{edits} with an edit between two tries" if edits else "",
    ]
    told = ", ".join(one for one in what if one)
    return f"faults ({level}): {told}: {violations} violations; {caught} of {all_of_them} mutations caught; {seconds / 60:.1f} min"


def _drawn(shown: Table) -> str:
    console = Console(width=WIDTH, file=io.StringIO(), record=True)
    console.print(shown)
    return console.export_text().rstrip()
