"""The kind `deployment`: a Deployment, or another workload that is restarted in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.consumers.cluster.place import PROPERTIES, REQUIRED, beyond, place
from rotation.consumers.deployment.sorts import DEPLOYMENT, SORTS
from rotation.kinds.kind import ConsumerKind, Holds, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.kinds.kind import Parameters

WORKLOAD = {"description": "Which sort of workload it is", "enum": list(SORTS), "default": DEPLOYMENT}

_named = beyond("deployment", "DeploymentName")


def change(settings: Settings, _used: str, _new: str) -> str:
    """What a dry run says."""
    return f"{settings['workload']} {place(settings)}: annotations of its pod template change, so every pod is replaced"


def reach(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """OpenEMR's Role grants a Deployment."""
    yield from _named(settings, parameters)
    if settings["workload"] != DEPLOYMENT and parameters["SitesFileSystemArn"] != "none":
        yield f"deployment: workload {settings['workload']}: k8s/rbac.yaml grants a {DEPLOYMENT}"


KIND = ConsumerKind(
    state="RestartApp",
    holds=Holds.NOTHING,
    properties={**PROPERTIES, "workload": WORKLOAD},
    required=REQUIRED,
    change=change,
    beyond=reach,
    in_cluster=True,
)
