"""A cluster as its process and its control see it, whatever is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from local.cluster.pod import Pod
from local.cluster.sabotage import Sabotage

Object = dict[str, Any]


class Backend(Protocol):
    sabotage: Sabotage
    version: str
    """Of Kubernetes; or that it is none."""
    balancers: dict[str, int]
    """The ports of those in front of other Deployments than the first, by name."""

    @property
    def pods(self) -> Sequence[Pod]:
        """Not those that are being deleted."""

    @property
    def is_complete(self) -> bool:
        """Whether every pod of each Deployment is of its newest template, and ready."""

    async def start(self) -> str:
        """Where the Kubernetes API is, once the Secret, the Deployment and the Role are in it."""

    async def secret(self, name: str) -> Object: ...

    async def recreate(self, manifest: Object) -> None:
        """Delete the object of that name and make it anew."""

    async def delete(self, manifest: Object) -> None: ...

    async def stop_api(self) -> None: ...

    async def start_api(self) -> None: ...

    def close(self) -> None:
        """Every process at once."""
