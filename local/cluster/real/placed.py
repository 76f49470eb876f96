"""One pod of a real cluster on this machine: bound, run as processes, reported, and ended in good order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local.balancer import Balancer
from local.cluster import containers
from local.cluster.manifests import now
from local.cluster.pod import Blueprint, Pod, Probe
from local.cluster.real.client import CONFLICT, JSON, MERGE, NOT_FOUND, ApiError, Client, Object
from local.cluster.real.status import report
from local.cluster.sabotage import Sabotage

AGAIN = 0.2  # seconds until an API server that could not be asked is asked again, as kubelets do
REVISIONS = ("pod-template-hash", "controller-revision-hash")
"""A Deployment's pods have the first label, those of the others the second."""


@dataclass(frozen=True)
class Node:
    """What all pods here have in common."""

    name: str
    client: Client
    balancer: Balancer
    machine: Mapping[str, str]
    logs: Path
    sabotage: Sabotage


class Placed:
    def __init__(self, node: Node, manifest: Object) -> None:
        metadata = manifest["metadata"]
        self.name: str = metadata["name"]
        self.terminating = False
        self._node = node
        self._uid = metadata["uid"]
        self._namespace = metadata["namespace"]
        self._path = f"/api/v1/namespaces/{self._namespace}/pods/{self.name}"
        self._container = manifest["spec"]["containers"][0]
        self._changed = asyncio.Event()
        revision = next(metadata["labels"][label] for label in REVISIONS if label in metadata["labels"])
        node.sabotage.meet(revision, manifest)
        command, probe = partial(containers.command, self._container), Probe.parse(self._container, manifest)
        blueprint = Blueprint(revision, probe, command, self._environment)
        self.process = Pod(self.name, blueprint, node.balancer, node.logs / f"{self.name}.log", self._changed.set)
        self._living = asyncio.create_task(self._live(is_bound=bool(manifest["spec"].get("nodeName"))))
        self._ending: asyncio.Task[None] | None = None

    def terminate(self) -> None:
        """It was deleted or evicted: out of the balancer, the requests in flight, the signal; then it is gone from the API too."""
        if not self.terminating:
            self.terminating = True
            self._living.cancel()
            self._ending = asyncio.create_task(self._end())

    def kill(self) -> None:
        """It is gone from the API already, or everything ends."""
        self._living.cancel()
        if self._ending is None:
            self._ending = asyncio.create_task(self.process.remove())
        self.process.kill()

    async def _live(self, is_bound: bool) -> None:
        if not is_bound:
            target = {"apiVersion": "v1", "kind": "Node", "name": self._node.name}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.name}, "target": target}
            await self._insist("POST", f"{self._path}/binding", binding)
        ready, since = False, now()
        while True:
            self._changed.clear()
            if self.process.ready != ready:
                ready, since = self.process.ready, now()
            status = report(self._container, ready=ready, running=self.process.running, since=since)
            await self._insist("PATCH", f"{self._path}/status", {"metadata": {"uid": self._uid}, "status": status})
            await self._changed.wait()

    async def _end(self) -> None:
        await self.process.remove()
        await self._insist("DELETE", self._path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self._uid}})

    async def _insist(self, method: str, path: str, body: Any) -> None:
        """Until the API server has heard it: only a pod that is gone, or another one by now, needs no answer."""
        kind = MERGE if method == "PATCH" else JSON
        while True:
            try:
                await asyncio.to_thread(self._node.client.call, method, path, body, kind)
            except ApiError as error:
                if error.status in (NOT_FOUND, CONFLICT):
                    return
                print(f"{error}; again", file=sys.stderr, flush=True)
                await asyncio.sleep(AGAIN)
            else:
                return

    async def _environment(self) -> dict[str, str] | None:
        """The Secret as it is now, at this very start."""
        if self._node.sabotage.breaks(self.process.revision):
            return None
        try:
            names = containers.secret_names(self._container)
            secrets = {name: await asyncio.to_thread(self._node.client.get, self._secret(name)) for name in names}
        except ApiError:
            return None
        given = containers.environment(self._container, secrets)
        return None if given is None else {**self._node.machine, **given}

    def _secret(self, name: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/secrets/{name}"
