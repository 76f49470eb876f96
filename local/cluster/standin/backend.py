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
from local.cluster.sabotage import Sabotage
from local.cluster.standin.api import Api
from local.cluster.standin.controller import Controller, Machine
from local.cluster.standin.daemonset import DaemonSets
from local.cluster.standin.deployment import Deployments
from local.cluster.standin.rbac import Rules
from local.cluster.standin.statefulset import StatefulSets
from local.cluster.standin.store import Key, Object, Store
from local.cluster.tokens import Tokens

KINDS = {"Secret": "secrets", "Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
CONTROLLERS: dict[str, type[Controller]] = {"deployments": Deployments, "statefulsets": StatefulSets, "daemonsets": DaemonSets}


class StandIn:
    version = "a stand-in"

    def __init__(
        self, settings: Mapping[str, Any], tokens: Tokens, tls: ssl.SSLContext, balancer: Balancer, machine: Mapping[str, str]
    ) -> None:
        self._store = Store()
        self.sabotage, self.balancers = Sabotage(), dict[str, int]()
        self._controllers: list[Controller] = []
        self._more: dict[str, Balancer] = {}
        logs, first = Path(settings["directory"]), settings["deployment"]
        common = Machine(self._store, machine, logs, settings["observes_after"], self.sabotage)
        for manifest in (settings["secret"], *settings["others"], first):
            key = self._store.create(KINDS[manifest["kind"]], manifest)
            if key.kind in CONTROLLERS:
                before = balancer if manifest is first else self._more.setdefault(key.name, Balancer())
                self._controllers.append(CONTROLLERS[key.kind](common, key, before))
        self._namespace: str = first["metadata"]["namespace"]
        self._api = Api(self._store, tokens, Rules(roles(self._namespace, Path(settings["rbac"]))))
        self._tls = tls
        self._port = 0
        self._running: list[asyncio.Task[None]] = []

    @property
    def pods(self) -> Sequence[Pod]:
        return [pod for one in self._controllers for pod in one.pods]

    @property
    def is_complete(self) -> bool:
        return all(one.is_complete for one in self._controllers)

    async def start(self) -> str:
        await self.start_api()
        for name, balancer in self._more.items():
            await balancer.start()
            self.balancers[name] = balancer.port
        self._running = [asyncio.create_task(one.run()) for one in self._controllers]
        return f"https://{HOST}:{self._port}"

    async def secret(self, name: str) -> Object:
        return self._store.get(Key("secrets", self._namespace, name))

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
        for running in self._running:
            running.cancel()
        for one in self._controllers:
            one.kill()
