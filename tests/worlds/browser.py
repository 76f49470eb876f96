"""Chromium without a window, driven through its DevTools protocol over a pipe: JSON messages, each ended by a NUL."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ANSWER_SECONDS = 60.0
FLAGS = (
    "--headless --remote-debugging-pipe --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
CONTRAST = """(() => {
  const light = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = element => { for (let one = element; one; one = one.parentElement) {
    const found = getComputedStyle(one).backgroundColor;
    if (!/^rgba.*, 0\\)$/.test(found)) return found; } return 'rgb(255, 255, 255)'; };
  const poor = (a, b, least) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < least;
  const words = [...document.querySelectorAll('h1, h2, p, td, th, span, b, small, code')].filter(one => one.textContent.trim())
    .filter(one => poor(light(getComputedStyle(one).color), light(behind(one)), 4.5));
  const parts = [...document.querySelectorAll('rect.rotated, rect.failed')]
    .filter(one => poor(light(getComputedStyle(one).fill), light(behind(one)), 3));
  return [...words, ...parts].map(one => one.outerHTML.slice(0, 120)); })()"""
"""What WCAG AA finds hard to read: words below 4.5 to 1 against what is behind them, and the parts of a picture below 3 to 1."""
PIPES = 'exec chromium "$@" 3<&"$BROWSER_READS" 4>&"$BROWSER_WRITES"'  # the protocol's numbers: commands at 3, answers at 4


class Browser:
    """One tab. All that it writes goes into `directory`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        reads, self._commands = os.pipe()
        self._answers, writes = os.pipe()
        here = {"HOME": str(directory), "TMPDIR": str(directory), "BROWSER_READS": str(reads), "BROWSER_WRITES": str(writes)}
        self._process = subprocess.Popen(
            ["bash", "-c", PIPES, "chromium", *FLAGS, f"--user-data-dir={directory / 'profile'}", "about:blank"],
            pass_fds=(reads, writes),
            env={**os.environ, **here},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(reads)
        os.close(writes)
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        try:
            self._attach()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def look_at(self, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
        """The size of the window, what the reader prefers, and whether it is a screen or paper."""
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._do("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, page: Path) -> None:
        """Returns when it is loaded, with everything that it loads."""
        self._events = []
        self._do("Page.navigate", url=page.as_uri())
        while not self._told("Page.loadEventFired"):
            self._events.append(self._receive())

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def point_at(self, x: float, y: float) -> None:
        self._do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def complaints(self) -> list[str]:
        """Exceptions, and whatever came on the console, since the page was opened."""
        self.ask("0")  # what the page said before has arrived when this is answered
        thrown = [json.dumps(event["exceptionDetails"]) for event in self._told("Runtime.exceptionThrown")]
        said = [json.dumps(event["args"]) for event in self._told("Runtime.consoleAPICalled")]
        return thrown + said + [event["entry"]["text"] for event in self._told("Log.entryAdded")]

    def requested(self) -> list[str]:
        """The URLs of all that was loaded."""
        return [event["request"]["url"] for event in self._told("Network.requestWillBeSent")]

    def _attach(self) -> None:
        target = self._do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._do(f"{domain}.enable")

    def _told(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self._events if event.get("method") == method]

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            part = os.read(self._answers, 1 << 16) if ready else b""
            if not part:
                raise AssertionError("chromium ended, or has not answered for a minute")
            self._received += part
        message, self._received = self._received.split(b"\0", 1)
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _end(self) -> None:
        """It has a process group of its own, of which nothing may stay."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
