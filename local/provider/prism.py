"""A judge that is not ours: Prism serves a provider's own OpenAPI document, and refuses a request that does not fit it."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from rotation.sources.http_api_key.answers import Answer, parsed
from rotation.sources.http_api_key.asking import Request

from local.mysqld import cache
from local.ports import free_port
from local.serving import begin, end

VERSION = "5.16.0"
HOST = "127.0.0.1"
STARTED_WITHIN = 30.0


def program() -> Path:
    """Fetched where there is none; nothing of it runs while it is installed."""
    folder = cache() / f"prism-{VERSION}"
    command = folder / "node_modules/.bin/prism"
    if not command.exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
        subprocess.run(["npm", "install", *options, f"@stoplight/prism-cli@{VERSION}"], check=True)
    return command


class Prism:
    """`with Prism(document, directory, environment) as prism:` it answers, without TLS."""

    def __init__(self, document: Path, directory: Path, environment: Mapping[str, str] | None = None, base: str = "") -> None:
        """`base`: what stands before the document's paths in those that are asked for."""
        self._document, self._directory, self._environment, self._base = document, directory, environment, base
        self.host = "api.example"

    def __enter__(self) -> Self:
        self._port = free_port()
        self._directory.mkdir(parents=True, exist_ok=True)
        command = ["node", program(), "mock", "--errors", "--host", HOST, "--port", str(self._port), self._document]
        self.log = self._directory / "prism.log"
        self._process = begin(command, self._environment, self.log)
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            with suppress(OSError):
                self._exchange("GET", "/", None, {})
                return self
            if self._process.poll() is not None or time.monotonic() > deadline:
                end(self._process)
                raise RuntimeError(f"Prism did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        end(self._process)

    def ask(self, request: Request) -> Answer:
        """As the shipped wire does."""
        target = request.target.removeprefix(self._base)
        return self._exchange(request.method, target, request.body, request.headers)

    def _exchange(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request(method, target, body, dict(headers))
            with connection.getresponse() as answer:
                return Answer(answer.status, parsed(answer.read()))
        finally:
            connection.close()
