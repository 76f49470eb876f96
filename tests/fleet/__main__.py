"""`make bench-fleet`: 10, 100 and 1,000 simulated targets; what a target costs must not depend on how many there are."""

import sys
import tempfile
from pathlib import Path

from tests.fleet.simulated import AT_ONCE, FLIP_SECONDS, ROTATION_CALLS, ROTATION_TRANSITIONS, SERVERS, Bench, World

FLEETS = (10, 100, 1000)
ALIKE = 0.1
"""By so much at most may a target of the largest fleet cost more than one of the others."""
MOST_DOLLARS = 0.01


def main() -> int:
    """0: the price of a target is the same in each fleet, and within bounds."""
    print(f"Simulated targets on {SERVERS} servers, {AT_ONCE} at once; each flips {FLIP_SECONDS:.0f} s after its start.")
    print(f"{'':>8}  {'measured here':^46}  {'computed, with the rotation of each':^40}")
    heads = {
        "targets": 8,
        "waves": 7,
        "seconds": 9,
        f"s each x {AT_ONCE}": 12,
        "calls each": 12,
        "transitions each": 23,
        "$ each": 12,
    }
    print("".join(f"{head:>{width}}" for head, width in heads.items()))
    found = []
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        for size in FLEETS:
            one = bench.run(f"bench-{size}", World(bench.s3, size))
            each = one.seconds * AT_ONCE / size
            transitions = one.transitions + ROTATION_TRANSITIONS
            print(
                f"{size:>8}{one.waves:>7}{one.seconds:>9.1f}{each:>12.1f}{one.calls_each:>12.1f}",
                f"{transitions:>22.1f}{one.dollars():>12.5f}  {one.end}",
                flush=True,
            )
            found.append((transitions, one.dollars(), one.end))
    print(
        f"Calls each: the fleet's own; a rotation makes {ROTATION_CALLS} of Secrets Manager more (docs/costs.md).\n"
        "Not shown by a local engine: quotas, throttling, and how long a real rotation takes."
    )
    dear = [dollars for _, dollars, _ in found if dollars > MOST_DOLLARS]
    apart = [max(values) / min(values) - 1 for values in zip(*[(a, b) for a, b, _ in found], strict=True)]
    print(
        f"Between the fleets a target's transitions differ by {apart[0]:.1%}, its dollars by {apart[1]:.1%} ({ALIKE:.0%} may be)."
    )
    return int(bool(dear) or max(apart) > ALIKE or any(end != "FleetRotated" for *_, end in found))


if __name__ == "__main__":
    sys.exit(main())
