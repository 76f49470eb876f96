"""The stand-in as a cluster: its API is in this very process."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.balancer import Balancer
from local.cluster.http import HOST, port_of, serve
from local.cluster.manifests import roles
from local.cluster.pod import Pod
from local.cluster.standin.api import Api
from local.cluster.standin.controller import Controller
from local.cluster.standin.rbac import Rules
from local.cluster.standin.store import Key, Object, Store
from local.cluster.tokens import Tokens

KINDS = {"Secret": "secrets", "Deployment": "deployments"}


class StandIn:
    version = "a stand-in"

    def __init__(
        self, settings: Mapping[str, Any], tokens: Tokens, tls: ssl.SSLContext, balancer: Balancer, machine: Mapping[str, str]
    ) -> None:
        self._store = Store()
        self._secret = self._store.create("secrets", settings["secret"])
        deployment = self._store.create("deployments", settings["deployment"])
        logs = Path(settings["directory"])
        self._controller = Controller(self._store, deployment, balancer, machine, logs, settings["observes_after"])
        self._api = Api(self._store, tokens, Rules(roles(deployment.namespace)))
        self._tls = tls
        self._port = 0
        self._running: asyncio.Task[None] | None = None
        self.sabotage = self._controller.sabotage

    @property
    def pods(self) -> Sequence[Pod]:
        return self._controller.pods

    @property
    def is_complete(self) -> bool:
        return self._controller.is_complete

    async def start(self) -> str:
        await self.start_api()
        self._running = asyncio.create_task(self._controller.run())
        return f"https://{HOST}:{self._port}"

    async def secret(self) -> Object:
        return self._store.get(self._secret)

    async def recreate(self, manifest: Object) -> None:
        self._store.create(KINDS[manifest["kind"]], manifest)

    async def delete(self, manifest: Object) -> None:
        self._store.delete(Key(KINDS[manifest["kind"]], manifest["metadata"]["namespace"], manifest["metadata"]["name"]))

    async def stop_api(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def start_api(self) -> None:
        self._server = await serve(self._api, self._tls, self._port)
        self._port = port_of(self._server)

    def close(self) -> None:
        if self._running:
            self._running.cancel()
        self._controller.kill()
