"""All tiers side by side, for `make test`: they wait for most of their time.

    python -m tests.shards

Files go to shards by the seconds that each took when that was last written down (tests/seconds.json; TIMES=1 writes it). Each
shard is a pytest of its own with servers of its own. What measures comes last, when the others have ended. A line tells of each
shard as it ends; the output of one that failed follows. Before the last line all failures are listed once more.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

from tests.shards.dealing import MEASURES, all_dealt, read_times, write_times
from tests.shards.shard import Shard

TELL_SECONDS = 30.0
LOOK_SECONDS = 0.2
STILL_SECONDS = 2.0
"""So much later than it asked for this process was woken: the machine stood still, and requests may have waited as long."""
KINDS = ("passed", "failed", "errors", "skipped")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it talks to a person


def run(shards: list[Shard], began: float) -> None:
    """All at once; returns when the last has ended."""
    for shard in shards:
        shard.start()
    try:
        _wait(shards, began)
    finally:
        for shard in shards:
            shard.end()


def _wait(shards: list[Shard], began: float) -> None:
    running, told = list(shards), time.monotonic()
    while running:
        asleep = time.monotonic()
        time.sleep(LOOK_SECONDS)
        if (late := time.monotonic() - asleep - LOOK_SECONDS) > STILL_SECONDS:
            say(f"{time.monotonic() - began:5.0f} s  the machine stood still for {late:.1f} s")
        for failure in [failure for shard in running for failure in shard.new_failures()]:
            say(f"{time.monotonic() - began:5.0f} s  {failure}")
        for shard in [one for one in running if one.has_ended()]:
            running.remove(shard)
            say(f"{time.monotonic() - began:5.0f} s  {shard.name} ended after {shard.seconds:.0f} s: {words(shard.counts)}")
            if not shard.well:
                say(textwrap.indent(shard.output, f"{shard.name} | "))
        if running and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            say(f"{told - began:5.0f} s  tests done: {', '.join(one.so_far for one in running)}")


def words(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind] or kind in ("passed", "failed"))


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, seconds = time.monotonic(), read_times()
    with tempfile.TemporaryDirectory(prefix="credential-rotation-tests-") as name:
        folder = Path(name)
        shards = [Shard(name, files, folder) for name, files in all_dealt(seconds).items()]
        run(shards, began)
        last = Shard("measuring", MEASURES, folder)
        run([last], began)
        shards.append(last)
        for shard in shards:
            say("".join(f"{shard.name}: {line}\n" for line in shard.output.splitlines() if line.startswith("measured:")).rstrip())
    total = sum((shard.counts for shard in shards), Counter[str]())
    if os.environ.get("TIMES"):
        write_times({file: taken for shard in shards for file, taken in shard.times.items()})
    say(f"seconds: {', '.join(f'{shard.name} {shard.seconds:.0f}' for shard in shards)}; whole {time.monotonic() - began:.0f}")
    for reason, count in sum((shard.skips for shard in shards), Counter[str]()).items():
        say(f"{count} skipped: {reason}")
    for failure in [failure for shard in shards for failure in shard.failures]:
        say(f"FAILED  {failure}")
    say(f"{words(total)} in {time.monotonic() - began:.0f} s")
    return 0 if all(shard.well for shard in shards) else 1


if __name__ == "__main__":
    sys.exit(main())
