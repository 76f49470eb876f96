"""Real clusters: an API server and its controllers, and pods by our kubelet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.balancer import Balancer
from local.certificates import Authority
from local.cluster.http import HOST, port_of, serve
from local.cluster.manifests import roles
from local.cluster.pod import Pod
from local.cluster.real.authenticator import Authenticator
from local.cluster.real.client import NOT_FOUND, Client, Object
from local.cluster.real.control_plane import ControlPlane
from local.cluster.real.kubelet import Kubelet
from local.cluster.real.placed import Node
from local.cluster.real.programs import require
from local.cluster.real.watch import Watch
from local.cluster.sabotage import Sabotage
from local.cluster.tokens import Tokens

COLLECTIONS = {
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}

COUNTS = {
    "Deployment": ("updatedReplicas", "replicas", "availableReplicas"),
    "StatefulSet": ("updatedReplicas", "replicas", "readyReplicas"),
    "DaemonSet": ("updatedNumberScheduled", "numberAvailable"),
}
"""As many as are wanted, once it is complete."""


class Furnished:
    """An API server with what a rotation finds in it, called as its administrator, and our kubelet beside it. All its pods are
    behind one balancer: it has one workload."""

    _client: Client

    def __init__(self, settings: Mapping[str, Any], balancer: Balancer, machine: Mapping[str, str]) -> None:
        if settings["others"]:
            raise ValueError("only the stand-in has several workloads: leave CLUSTER out")
        self.balancers: dict[str, int] = {}
        self._secret, self._workload = settings["secret"], settings["deployment"]
        self._rbac = Path(settings["rbac"])
        self._namespace: str = self._workload["metadata"]["namespace"]
        self._balancer, self._machine = balancer, machine
        self._directory = Path(settings["directory"])
        self._kubelet: Kubelet | None = None
        self._seen: Object = {}
        self.sabotage = Sabotage()

    @property
    def pods(self) -> Sequence[Pod]:
        return self._kubelet.pods if self._kubelet else []

    @property
    def is_complete(self) -> bool:
        """By the workload as it was last heard of, and by the processes themselves."""
        return bool(self._seen) and _is_complete(self._workload["kind"], self._seen) and all(pod.ready for pod in self.pods)

    async def secret(self, name: str) -> Object:
        collection = COLLECTIONS["Secret"].format(self._namespace)
        return await asyncio.to_thread(self._client.get, f"{collection}/{name}")

    async def recreate(self, manifest: Object) -> None:
        await self.delete(manifest)
        await self._create(manifest)

    async def delete(self, manifest: Object) -> None:
        """Its pods go a while later, as with kubectl --wait=false."""
        status, answer = await asyncio.to_thread(self._client.send, "DELETE", _path(manifest))
        if status not in (200, 202, NOT_FOUND):
            raise RuntimeError(f"{_path(manifest)} could not be deleted: {answer.get('message')}")

    def close(self) -> None:
        if self._kubelet:
            self._kubelet.close()

    async def furnish(self) -> None:
        """The namespace with what a rotation finds in it, and somebody to run its pods."""
        await asyncio.to_thread(self._client.call, "POST", "/api/v1/namespaces", {"metadata": {"name": self._namespace}})
        for manifest in (*roles(self._namespace, self._rbac), self._secret, self._workload):
            await self._create(manifest)
        node = Node(self._namespace, self._client, self._balancer, self._machine, self._directory, self.sabotage)
        self._kubelet = Kubelet(node, self._namespace)
        await self._kubelet.start()
        self._watch = Watch(self._client, COLLECTIONS[self._workload["kind"]].format(self._namespace), self._heard)

    def _heard(self, workloads: dict[str, Object]) -> None:
        self._seen = workloads.get(self._workload["metadata"]["name"], {})

    async def _create(self, manifest: Object) -> None:
        await asyncio.to_thread(self._client.call, "POST", COLLECTIONS[manifest["kind"]].format(self._namespace), manifest)


class Real(Furnished):
    """A control plane of this run."""

    def __init__(
        self, settings: Mapping[str, Any], tokens: Tokens, authority: Authority, balancer: Balancer, machine: Mapping[str, str]
    ) -> None:
        super().__init__(settings, balancer, machine)
        programs = require()
        self.version = programs.version()
        self._tokens, self._authority = tokens, authority
        self._plane = ControlPlane(programs, self._directory / "control-plane", authority)

    async def start(self) -> str:
        webhook = await serve(Authenticator(self._tokens), self._authority.issue(self._directory, "authenticator").context())
        self._client = await asyncio.to_thread(self._plane.start, f"https://{HOST}:{port_of(webhook)}/")
        await self.furnish()
        return self._plane.url

    async def stop_api(self) -> None:
        await asyncio.to_thread(self._plane.stop_api)

    async def start_api(self) -> None:
        await asyncio.to_thread(self._plane.start_api, self._client)

    def close(self) -> None:
        super().close()
        self._plane.close()


def _path(manifest: Object) -> str:
    return f"{COLLECTIONS[manifest['kind']].format(manifest['metadata']['namespace'])}/{manifest['metadata']['name']}"


def _is_complete(kind: str, found: Object) -> bool:
    """As kubectl rollout status has it; absent counts are zero."""
    status, spec = found.get("status", {}), found["spec"]
    wanted = spec.get("replicas", status.get("desiredNumberScheduled", 0))  # a DaemonSet says no replicas
    seen = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    settled = status.get("currentRevision") == status.get("updateRevision")
    return bool(seen and settled and all(status.get(count, 0) == wanted for count in COUNTS[kind]))
