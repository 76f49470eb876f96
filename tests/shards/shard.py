"""One pytest with some of the files, and servers of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from local.priority import share
from tests.shards.dealing import ROOT, unit_of

NICER = -5
"""Than whoever started us, where we may: what else this machine does is not to make a request wait for five seconds."""
DOTS = re.compile(rb"^([.FEsxX]+)(?: +\[ *\d+%\])?$", re.MULTILINE)


@dataclass
class Shard:
    name: str
    files: list[str]
    folder: Path
    seconds: float = 0
    counts: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    """By the reason."""
    times: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """Those that were told of."""

    def start(self) -> None:
        self._began = time.monotonic()
        plugins = ["-p", "no:cacheprovider", "-p", "tests.shards.at_once", f"--junit-xml={self._report}"]
        command = [sys.executable, "-m", "pytest", *plugins, *self.files]
        environment, nothing = {**os.environ, "FAILURES": str(self._failures_file)}, subprocess.DEVNULL
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=nothing, stdout=log, stderr=log, start_new_session=True
            )
        share(self._process.pid, NICER)

    def end(self) -> None:
        """If we are ended, so is it, with what it runs; its servers see to themselves."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
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
        written = self._failures_file.read_text().splitlines() if self._failures_file.exists() else []
        new, self.failures = written[len(self.failures) :], written
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
    def _failures_file(self) -> Path:
        return self.folder / f"{self.name}.failures"

    @property
    def _report(self) -> Path:
        return self.folder / f"{self.name}.xml"

    def _read(self, report: ElementTree.Element) -> None:
        for case in report.iter("testcase"):
            ways = {child.tag for child in case} & {"failure", "error", "skipped"}
            kind = "failed" if "failure" in ways else "errors" if "error" in ways else "skipped" if ways else "passed"
            self.counts[kind] += 1
            self.skips.update(str(child.get("message")) for child in case.iter("skipped"))
            unit = unit_of(str(case.get("classname")))
            self.times[unit] = self.times.get(unit, 0.0) + float(case.get("time") or 0)
