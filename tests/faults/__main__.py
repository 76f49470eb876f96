"""make faults: no crash, stop, repeat or race loses a password or a login.

make faults                      every single fault, pairs of them, rivals, schedules, mutations
make faults LEVEL=pairs          every pair of faults, one after the other: hours
make faults LEVEL=single         every single fault and every mutation: what .ci/run does
make faults LEVEL=quick          a part of that: what make test does
make faults ONLY="bootstrap"     only what has that in its name
make faults ONLY="from A" FAULT="run-1 FlipSlot 3 (swap AWSCURRENT of slots): crashes after"
                                 a run with that fault, state by state; or with several: a path as it is printed
make faults SCHEDULE=1641        one schedule, step by step; of another application SCHEDULE="keys 17"
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.crowd.schedules import OPENEMR, SORTS, shown
from tests.faults.jobs import JOBS, Done, Job, carry_out
from tests.faults.table import line, table
from tests.faults.walk.again import again
from tests.worlds.invocation import known_passwords

PROGRESS_SECONDS = 10


def main() -> int:
    if number := os.environ.get("SCHEDULE"):
        return _one_schedule(number)
    level, only = os.environ.get("LEVEL", "all"), os.environ.get("ONLY", "")
    if fault := os.environ.get("FAULT"):
        return _one_run(only, fault)
    if level not in JOBS:
        print(f"LEVEL is one of {', '.join(JOBS)}, not {level}", file=sys.stderr)
        return 2
    jobs = [job for job in JOBS[level]() if only in job.name]
    if not jobs:
        print(f"nothing has {only!r} in its name", file=sys.stderr)
        return 2
    began = time.monotonic()
    done = list(_all(jobs))
    print(table(done))
    print(line(done, level, time.monotonic() - began))
    return 0 if all(one.well for one in done) else 1


def _all(jobs: list[Job]) -> Iterator[Done]:
    """The longest first, on every core; a line for each, and one now and then while there is none."""
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=8) as pool:
        results = pool.imap_unordered(carry_out, jobs)
        for count in range(1, len(jobs) + 1):
            while True:
                try:
                    done = results.next(PROGRESS_SECONDS)
                    break
                except multiprocessing.TimeoutError:
                    print(f"  … {time.monotonic() - began:.0f} s, {count - 1} of {len(jobs)} done", flush=True)
            said = "" if done.well else "   " + done.words
            print(f"  {count}/{len(jobs)} {done.job.name}: {done.seconds:.0f} s{said}", flush=True)
            yield done


def _one_run(scenario: str, fault: str) -> int:
    if scenario not in SCENARIOS:
        print(f"FAULT needs ONLY, a scenario: {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    with known_passwords():
        shown = again(SCENARIOS[scenario], fault)
    if shown.missing and not shown.violation:
        print(f"no run comes to: {', '.join(shown.missing)}", file=sys.stderr)
        return 2
    print("\n".join(shown.said))
    found = shown.violation
    return _told(f"{found.law}: {found.what}, then at {found.where}" if found else "")


def _told(found: str) -> int:
    print(found or "nothing is broken")
    return 1 if found else 0


def _one_schedule(number: str) -> int:
    sort, _, drawn = number.strip().rpartition(" ")
    if not drawn.isdecimal() or (sort or OPENEMR) not in SORTS:
        print(f"SCHEDULE is a number, or one of {', '.join(SORTS)} and a number, not {number}", file=sys.stderr)
        return 2
    with known_passwords():
        said, found = shown(int(drawn), sort or OPENEMR)
    print("\n".join(said))
    return _told(f"{found.law}: {found.what}, {found.path[-1]}" if found else "")


if __name__ == "__main__":
    sys.exit(main())
