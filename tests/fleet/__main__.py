"""`make bench-fleet`: what a target costs must not depend on how many there are, nor what memory a function needs, and the time to
the flips follows from targets ÷ concurrency and from nothing else. With REAL=1, thirty real targets of all kinds beside that."""

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.fleet import real
from tests.fleet.crowd import LOOKING, Crowd, Spent
from tests.fleet.simulated import (
    AT_ONCE,
    FLIP_SECONDS,
    ROTATION_CALLS,
    ROTATION_TRANSITIONS,
    SERVERS,
    STEP_SECONDS,
    Bench,
    Result,
    World,
)

FLEETS = (10, 100, 1000)
TIMED = ((80, 4), (160, 4), (320, 16))
"""Targets, and how many at once: no more than a wave, a tenth, has. The second is to take twice as long, the last as long as the
first. Canaries are a round of their own: of twenty rounds they are a twentieth, so less is not asked for."""
TIMED_FLIP_SECONDS = 5.0
"""So that a turn is looked at three times, and the engine's own work is little beside it."""
ALIKE = 0.1
"""By so much at most may one fleet's figure differ from another's."""
MOST_DOLLARS = 0.01
MOST_SECONDS = 60.0
"""To find what is due of the largest."""


def main() -> int:
    """0: the price of a target is the same in each fleet and within bounds, memory too, and time grows as it should."""
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        well = [_prices(bench), _times(bench)]
    well.append(_memory())
    if os.environ.get("REAL"):
        well.append(_real())
    print("\nNot shown by a local engine: quotas, throttling, and how long a real rotation takes on AWS.")
    return int(not all(well))


def _prices(bench: Bench) -> bool:
    print(
        f"Prices: simulated targets on {SERVERS} servers, {AT_ONCE} at once, each flips {FLIP_SECONDS:.0f} s after its start.\n"
        f"A rotation's own {ROTATION_CALLS} calls of Secrets Manager and {ROTATION_TRANSITIONS} transitions (docs/costs.md) are in"
        " what is said with it.\n"
        f"{'':>8}{'counted here: calls of the fleet':^41}{'counted, with its rotation':^28}{'computed':^12}"
    )
    _row("targets", "waves", "for a target", "for a wave", "for the run", "calls each", "transitions each", "$ each")
    found = []
    for size in FLEETS:
        one = bench.run(f"bench-{size}", World(bench.s3, size))
        each = (f"{number:.1f}" for number in (*one.calls_apart, one.calls_each, one.transitions + ROTATION_TRANSITIONS))
        _row(str(size), str(one.waves), *each, f"{one.dollars():.5f}", _end(one))
        found.append(one)
    print(
        f"$: list prices of what was counted; an invocation is taken to last {STEP_SECONDS} s. A small fleet shares the calls for"
        " waves and run among few."
    )
    return all(
        (
            _alike("calls of the fleet for a target", [one.calls_apart[0] for one in found]),
            _alike("calls of the fleet for a wave", [one.calls_apart[1] for one in found]),
            _alike("calls of the fleet for the run", [one.calls_apart[2] for one in found]),
            _alike("calls each", [one.calls_each for one in found]),
            _alike("transitions each", [one.transitions + ROTATION_TRANSITIONS for one in found]),
            _alike("$ each", [one.dollars() for one in found]),
            max(one.dollars() for one in found) <= MOST_DOLLARS,
            _all_rotated(found),
        )
    )


def _times(bench: Bench) -> bool:
    print(f"\nTime, measured here: each target flips {TIMED_FLIP_SECONDS:.0f} s after its start.")
    _row("targets", "at once", "ratio", "seconds", "seconds ÷ ratio")
    found, each = [], []
    for size, at_once in TIMED:
        one = bench.run(f"time-{size}", World(bench.s3, size, flip_seconds=TIMED_FLIP_SECONDS), at_once=at_once)
        each.append(one.seconds * at_once / size)
        _row(str(size), str(at_once), f"{size / at_once:.0f}", f"{one.seconds:.1f}", f"{each[-1]:.2f}", _end(one))
        found.append(one)
    print("Canaries are a round of their own, so a ratio of twenty takes a fortieth more for each than one of forty.")
    return _alike("seconds to the flips for each of targets ÷ concurrency", each) and _all_rotated(found)


def _memory() -> bool:
    print(
        "\nMemory, measured here: the deployed functions that look at all of a fleet, each cold and asked once, over secrets and"
        "\ndocuments of the local AWS. As Lambda's log says it: the process at its most, interpreter and libraries in it."
    )
    _row("targets", *LOOKING, "FindDue took", "calls each")
    found: list[tuple[int, dict[str, Spent]]] = []
    with Crowd() as stack:
        for size in FLEETS:
            stack.grow(size)
            spent = stack.look(f"look-{size}")
            due = spent["FindDue"]
            megabytes = (f"{spent[name].megabytes} MB" for name in LOOKING)
            _row(str(size), *megabytes, f"{due.seconds:.1f} s", f"{_asked(due) / size:.2f}")
            found.append((size, spent))
    print("Calls: FindDue's of Secrets Manager, for each target. Those of Parameter Store are one for ten targets.")
    size, last = found[-1]
    return all(
        (
            *(_alike(f"memory of {name}", [float(spent[name].megabytes) for _, spent in found]) for name in LOOKING),
            last["FindDue"].seconds <= MOST_SECONDS,
            _asked(last["FindDue"]) <= size + 1,  # the template's own target was never rotated: its versions are listed too
        )
    )


def _asked(spent: Spent) -> int:
    return sum(count for call, count in spent.calls.items() if call.startswith("secretsmanager:"))


def _real() -> bool:
    print(f"\nReal ones, measured here: {real.SETS} of each of six kinds, {real.RATE} request/s of each target, none tried again.")
    found = real.run()
    print(*real.table(found), sep="\n")
    rate, whole = sum(lane.requests.rate for lane in found.report.lanes), found.report.seconds
    print(f"The run took {found.flips_seconds:.0f} s to its last flip, all together {whole:.0f} s; {rate:.0f} requests/s together.")
    print(*(f"  NOT WELL: {one}" for one in found.report.problems), sep="\n")
    return not found.report.problems


def _row(*cells: str) -> None:
    widths = (8, 9, 14, 12, 16, 13, 18, 10)
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False)), *cells[len(widths) :], flush=True)


def _end(one: Result) -> str:
    """Why, where not all were rotated: then no figure counts."""
    return one.end if one.end == "FleetRotated" else f"{one.end}: {one.report.get('counts')}"


def _alike(what: str, values: Sequence[float]) -> bool:
    apart = max(values) / min(values) - 1
    print(f"  {what}: differ by {apart:.1%} ({ALIKE:.0%} may be)")
    return apart <= ALIKE


def _all_rotated(found: Iterable[Result]) -> bool:
    return all(one.end == "FleetRotated" for one in found)


if __name__ == "__main__":
    sys.exit(main())
