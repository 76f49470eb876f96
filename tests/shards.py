"""All tiers side by side, for `make test`: they wait for most of their time.

    python -m tests.shards

Files go to shards by the seconds that each took when that was last written down (tests/seconds.json; TIMES=1 writes it). Each
shard is a pytest of its own with servers of its own; the e2e shards go first, since their requests have five seconds. What
measures comes last, when the others have ended. A line tells of each shard as it ends; the output of one that failed follows.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
TIMES = ROOT / "tests" / "seconds.json"
UNKNOWN = 30.0
"""Seconds of a file that nobody has timed yet."""
MEASURES = ["tests/e2e/test_rotation.py"]
FOLDERS = {"e2e": "tests/e2e", "other": "tests/contract"}
WHOLE_FOLDERS = ["tests/unit", "tests/statemachine"]
SHARDS = {"e2e": 3, "other": 2}
TELL_SECONDS = 30.0
DOTS = re.compile(rb"^([.FEsxX]+)(?: +\[ *\d+%\])?$", re.MULTILINE)
KINDS = ("passed", "failed", "errors", "skipped")


def units(group: str) -> list[str]:
    """What goes to the shards of a group."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDERS[group]).glob("test_*.py"))
    return [file for file in files if file not in MEASURES] + (WHOLE_FOLDERS if group == "other" else [])


def dealt(files: list[str], seconds: dict[str, float], shards: int) -> list[list[str]]:
    """The longest first, each to the shard that has least to do."""
    hands: list[list[str]] = [[] for _ in range(shards)]
    totals = [0.0] * shards
    for file in sorted(files, key=lambda one: -seconds.get(one, UNKNOWN)):
        least = totals.index(min(totals))
        hands[least].append(file)
        totals[least] += seconds.get(file, UNKNOWN)
    return [sorted(hand) for hand in hands if hand]


@dataclass
class Shard:
    name: str
    files: list[str]
    folder: Path
    nice: int = 0
    seconds: float = 0
    counts: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    _told: int = 0

    def start(self) -> None:
        self._began = time.monotonic()
        plugins = ["-p", "no:cacheprovider", "-p", "tests.at_once", f"--junit-xml={self._report}"]
        command = ["nice", "-n", str(self.nice), sys.executable, "-m", "pytest", *plugins, *self.files]
        environment, nothing = {**os.environ, "FAILURES": str(self._failures)}, subprocess.DEVNULL
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=nothing, stdout=log, stderr=log)

    def end(self) -> None:
        """If we are ended, so is it; its servers see to themselves."""
        self._process.terminate()
        self._process.wait()

    def has_ended(self) -> bool:
        if self._process.poll() is None:
            return False
        self.seconds = time.monotonic() - self._began
        if self._report.exists():
            self._read(ElementTree.parse(self._report).getroot())  # noqa: S314 - pytest's own
        if not self.well and not self.counts["failed"] + self.counts["errors"]:
            self.counts["errors"] += 1  # it did not even begin, or was killed
        return True

    def new_failures(self) -> list[str]:
        """Since that was asked last."""
        told = self._failures.read_text().splitlines() if self._failures.exists() else []
        new, self._told = told[self._told :], len(told)
        return new

    @property
    def well(self) -> bool:
        return self._process.returncode == 0

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def so_far(self) -> str:
        marks = b"".join(DOTS.findall(self._log.read_bytes()))
        wrong = marks.count(b"F") + marks.count(b"E")
        return f"{self.name} {len(marks)}" + (f" ({wrong} FAILED)" if wrong else "")

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def _failures(self) -> Path:
        return self.folder / f"{self.name}.failures"

    @property
    def _report(self) -> Path:
        return self.folder / f"{self.name}.xml"

    def _read(self, report: ElementTree.Element) -> None:
        for case in report.iter("testcase"):
            ways = {child.tag for child in case} & {"failure", "error", "skipped"}
            kind = "failed" if "failure" in ways else "errors" if "error" in ways else "skipped" if ways else "passed"
            self.counts[kind] += 1
            self.times[_unit(str(case.get("classname")))] += float(case.get("time") or 0)


def _unit(module: str) -> str:
    """tests.unit.test_x is timed with its folder."""
    path = "/".join(module.split(".")[:3])
    return next((folder for folder in WHOLE_FOLDERS if path.startswith(f"{folder}/")), f"{path}.py")


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
        time.sleep(0.2)
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
    began, seconds = time.monotonic(), json.loads(TIMES.read_text())
    with tempfile.TemporaryDirectory(prefix="credential-rotation-tests-") as name:
        folder = Path(name)
        shards = [
            Shard(f"{group}-{number}", files, folder, nice=5 if group == "other" else 0)
            for group in ("e2e", "other")
            for number, files in enumerate(dealt(units(group), seconds, SHARDS[group]), 1)
        ]
        run(shards, began)
        last = Shard("measuring", MEASURES, folder)
        run([last], began)
        shards.append(last)
        for shard in shards:
            say("".join(f"{shard.name}: {line}\n" for line in shard.output.splitlines() if line.startswith("measured:")).rstrip())
    total = sum((shard.counts for shard in shards), Counter[str]())
    if os.environ.get("TIMES"):
        write(sum((shard.times for shard in shards), Counter[str]()))
    say(f"seconds: {', '.join(f'{shard.name} {shard.seconds:.0f}' for shard in shards)}; whole {time.monotonic() - began:.0f}")
    say(f"{words(total)} in {time.monotonic() - began:.0f} s")
    return 0 if all(shard.well for shard in shards) else 1


def write(times: Counter[str]) -> None:
    TIMES.write_text(json.dumps({file: round(taken, 1) for file, taken in sorted(times.items())}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
