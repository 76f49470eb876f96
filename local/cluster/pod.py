"""One pod: a real server, its readiness probe, its place behind the balancer, and its orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.balancer import Balancer
from local.cluster.http import HOST, get
from local.cluster.manifests import READY_AFTER
from local.ports import free_port

WORKERS = "4"  # requests that one pod serves at the same time
RESTART_AFTER = 1.0  # seconds; Kubernetes backs off longer, here a crash should be seen to heal
START_RETRY = 0.1  # seconds until a pod that cannot be started is tried again
FIRST_PROBES = 0.05  # seconds between probes until the first success: a rollout waits for it
GRACE = 30.0  # seconds for the requests in flight, then for the process itself


@dataclass(frozen=True)
class Probe:
    """`readinessProbe` of the container."""

    path: str
    initial_delay: float
    period: float
    timeout: float
    failures: int

    @classmethod
    def parse(cls, container: Mapping[str, Any], template: Mapping[str, Any]) -> Probe:
        probe = container.get("readinessProbe", {})
        annotations = template.get("metadata", {}).get("annotations") or {}
        return cls(
            path=probe.get("httpGet", {}).get("path", "/healthz"),
            initial_delay=float(annotations.get(READY_AFTER, probe.get("initialDelaySeconds", 0))),
            period=probe.get("periodSeconds", 10),
            timeout=probe.get("timeoutSeconds", 1),
            failures=probe.get("failureThreshold", 3),
        )


@dataclass(frozen=True)
class Blueprint:
    """`environment` is asked at each start; None: not startable now (no image, no such key in the Secret). `command`: what serves
    at that port."""

    revision: str
    probe: Probe
    command: Callable[[int], list[str]]
    environment: Callable[[], Awaitable[dict[str, str] | None]]


class Pod:
    """`on_change` is told when `ready` changes."""

    def __init__(self, name: str, blueprint: Blueprint, balancer: Balancer, log: Path, on_change: Callable[[], None]) -> None:
        self.name = name
        self.revision = blueprint.revision
        self.ready = False
        self.terminating = False
        self.port = 0
        self._command, self._environment = blueprint.command, blueprint.environment
        self._probe = blueprint.probe
        self._balancer = balancer
        self._log = log
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._running = asyncio.create_task(self._run())

    @property
    def running(self) -> bool:
        return self._process is not None

    async def remove(self) -> None:
        """Out of the balancer, then the requests in flight, and only then the signal."""
        self.terminating = True
        endpoint = self._balancer.remove(self.name)
        if endpoint is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(endpoint.drained(), GRACE)
        self._running.cancel()
        if self._process is not None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
            self.kill()

    def kill(self) -> None:
        """As a lost node: no draining, no signal that could be heard."""
        self._signal(signal.SIGKILL)

    async def _run(self) -> None:
        while True:
            if (environment := await self._environment()) is None:
                await asyncio.sleep(START_RETRY)
            else:
                await self._serve(environment)
                await asyncio.sleep(RESTART_AFTER)

    async def _serve(self, environment: Mapping[str, str]) -> None:
        """One life of the process."""
        self._process = await self._start(environment)
        probing = asyncio.create_task(self._probe_for_ever())
        try:
            await self._process.wait()
            self.kill()  # the workers, if only their master died
            self._process = None
        finally:
            probing.cancel()
            self._set_ready(False)

    async def _start(self, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
        self.port = free_port()
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._command(self.port),
                env={**environment, "POD_NAME": self.name, "PORT": str(self.port), "PHP_CLI_SERVER_WORKERS": WORKERS},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def _signal(self, number: signal.Signals) -> None:
        """To the master and its workers: PHP does not pass a signal on."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _probe_for_ever(self) -> None:
        await asyncio.sleep(self._probe.initial_delay)
        failures = 0
        while True:
            failures = 0 if await self._answers() else failures + 1
            if failures == 0:
                self._set_ready(True)
            elif failures >= self._probe.failures:
                self._set_ready(False)
            await asyncio.sleep(self._probe.period if self.ready else FIRST_PROBES)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._probe.timeout):
                return (await get(HOST, self.port, self._probe.path)).status == 200
        except (OSError, EOFError, ValueError, TimeoutError):
            return False

    def _set_ready(self, ready: bool) -> None:
        if ready == self.ready or self.terminating:
            return
        self.ready = ready
        if ready:
            self._balancer.add(self.name, self.port)
        else:
            self._balancer.remove(self.name)
        self._on_change()
