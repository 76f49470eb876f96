"""The SSM agent of one instance as a process: asks for work, runs the scripts, reports. It leaves what the real one leaves.

    python -m local.instances.agent JSON

The machine that it is on is a folder: a parameter that is a path is one below that folder, and an address without a port is
asked at the port of that machine's web server. A root of its own and a network of its own would do the same, with privileges.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.instances.documents import rendered
from local.leftovers import MARK

WAIT = 1.0
"""Seconds for which a look for work may last."""
_ADDRESS = re.compile(r"(https?://[^/:]+)(/.*|$)")


@dataclass(frozen=True)
class Place:
    """Which instance it is, where its files are, where AWS is."""

    instance: str
    root: str
    port: int
    endpoint: str
    path: str
    """Of its programs."""
    metadata: str

    def value(self, text: str) -> str:
        """A parameter as it reads on that machine."""
        if text.startswith("/"):
            return self.root + text
        return _ADDRESS.sub(rf"\g<1>:{self.port}\g<2>", text)

    @property
    def environment(self) -> dict[str, str]:
        """Of a script: the agent's own, and what this stand-in needs so that it finds AWS."""
        return {
            "PATH": self.path,
            "HOME": f"{self.root}/root",
            "TMPDIR": f"{self.root}/var/tmp",  # noqa: S108 - of that machine
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata,
        }

    @property
    def orchestration(self) -> Path:
        """Where the agent keeps the scripts that it ran, and their output."""
        return Path(self.root) / "var/lib/amazon/ssm" / self.instance / "document/orchestration"


class Agent:
    def __init__(self, place: Place) -> None:
        self._place = place
        self._running: dict[str, subprocess.Popen[bytes] | None] = {}
        self._cancelled: set[str] = set()

    def serve(self) -> None:
        """Until it is ended."""
        while True:
            told = self._ask("poll", {"running": list(self._running), "wait": WAIT})
            for command in told["cancel"]:
                self._cancelled.add(command)
                if process := self._running.get(command):
                    _end(process)
            if work := told["work"]:
                self._running[work["command"]] = None
                threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: dict[str, Any]) -> None:
        command, code, ended = work["command"], 0, "exited"
        folder = self._place.orchestration / command / "awsrunShellScript"
        values = {name: self._place.value(value) for name, value in work["parameters"].items()}
        folder.mkdir(parents=True, exist_ok=True)
        for number, script in enumerate(work["scripts"]):
            step = folder / str(number)
            step.mkdir(exist_ok=True)
            ended, code = self._step(command, rendered(script, values), step, work["seconds"])
            if code != 0:
                break
        output, error_output = (
            "".join(file.read_text(errors="replace") for file in sorted(folder.glob(f"*/{name}"))) for name in ("stdout", "stderr")
        )
        if code:
            error_output += f"failed to run commands: exit status {code}"  # as the real one says it
        report = {"command": command, "ended": ended, "code": code, "output": output, "error_output": error_output}
        self._ask("report", report)
        del self._running[command]

    def _step(self, command: str, script: str, folder: Path, seconds: float) -> tuple[str, int]:
        file = folder / "_script.sh"
        file.write_text(script)
        file.chmod(0o700)
        environment = self._place.environment | _mark()
        with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as error_output:
            process = subprocess.Popen(
                [f"{self._place.path}/sh", "-c", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error_output,
                env=environment,
                process_group=0,
            )
            self._running[command] = process
            if command in self._cancelled:
                _end(process)
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                _end(process)
                return "timed out", process.wait()
        return ("cancelled" if command in self._cancelled else "exited"), code

    def _ask(self, what: str, more: dict[str, Any]) -> Any:
        order = json.dumps({"instance": self._place.instance, **more}).encode()
        request = urllib.request.Request(f"{self._place.endpoint}/_local/agents/{what}", order, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=WAIT + 60) as response:
            return json.load(response)["done"]


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _mark() -> dict[str, str]:
    """By which the stack finds what is left of it."""
    return {MARK: os.environ[MARK]} if MARK in os.environ else {}


if __name__ == "__main__":
    Agent(Place(**json.loads(sys.argv[1]))).serve()
