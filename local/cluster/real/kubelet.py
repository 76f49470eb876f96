"""A small kubelet, and the scheduler of its own pods: what the API says there should be runs here, as PHP processes.

It takes the pods that ask for our scheduler and no others, so in somebody else's cluster it does not meddle and nobody runs them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from local.cluster.manifests import SCHEDULER, now
from local.cluster.pod import Pod
from local.cluster.real.client import MERGE, ApiError, Object
from local.cluster.real.placed import Node, Placed
from local.cluster.real.watch import Watch

HEARTBEAT = 10.0  # seconds; a node that is silent for 40 loses its pods


class Kubelet:
    def __init__(self, node: Node, namespace: str) -> None:
        self._node = node
        self._namespace = namespace
        self._placed: dict[str, Placed] = {}

    @property
    def pods(self) -> Sequence[Pod]:
        return [one.process for one in self._placed.values() if not one.terminating]

    async def start(self) -> None:
        await asyncio.to_thread(self._register)
        self._beating = asyncio.create_task(self._beat())
        loop = asyncio.get_running_loop()

        def changed(pods: dict[str, Object]) -> None:
            loop.call_soon_threadsafe(self._sync, pods)

        self._watch = Watch(self._node.client, f"/api/v1/namespaces/{self._namespace}/pods", changed)

    def close(self) -> None:
        self._watch.stop()
        self._beating.cancel()
        for one in self._placed.values():
            one.kill()

    def _sync(self, pods: dict[str, Object]) -> None:
        ours = {pod["metadata"]["uid"]: pod for pod in pods.values() if pod["spec"].get("schedulerName") == SCHEDULER}
        for uid in self._placed.keys() - ours.keys():
            self._placed.pop(uid).kill()
        for uid, pod in ours.items():
            if uid not in self._placed:
                self._placed[uid] = Placed(self._node, pod)
            if pod["metadata"].get("deletionTimestamp"):
                self._placed[uid].terminate()

    def _register(self) -> None:
        """Nobody else may place anything here: the taint keeps all but daemons away."""
        taint = {"key": SCHEDULER, "effect": "NoSchedule"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._node.name}, "spec": {"taints": [taint]}}
        self._node.client.call("POST", "/api/v1/nodes", node)
        self._report()

    def _report(self) -> None:
        at = now()
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": at, "lastTransitionTime": at}
        path = f"/api/v1/nodes/{self._node.name}/status"
        self._node.client.call("PATCH", path, {"status": {"conditions": [ready]}}, MERGE)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await asyncio.to_thread(self._report)
            except ApiError:
                continue  # an outage of the API server; the pods run on
