"""Where an object of a cluster is, as a target names it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotation.kinds.kind import Parameters, Settings

PROPERTIES: dict[str, Any] = {
    "cluster": {"description": "Name of the EKS cluster", "type": "string", "minLength": 1},
    "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    "name": {"type": "string", "pattern": "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"},
}
REQUIRED = tuple(PROPERTIES)


def place(settings: Settings) -> str:
    """As kubectl would name it, without its kind."""
    return f"{settings['namespace']}/{settings['name']}"


def beyond(kind: str, parameter: str) -> Callable[[Settings, Parameters], Iterator[str]]:
    """What a stack does not reach. That of OpenEMR has one object of that kind, named by that parameter. Of any other the names are
    in its Role alone: mode verify asks the cluster about each."""

    def look(settings: Settings, parameters: Parameters) -> Iterator[str]:
        cluster, namespace, name = parameters["ClusterName"], parameters["Namespace"], parameters[parameter]
        if settings["cluster"] != cluster:
            yield f"{kind}: cluster {settings['cluster']}: the roles may enter {cluster} (parameter ClusterName)"
        if settings["namespace"] != namespace:
            yield f"{kind}: namespace {settings['namespace']}: k8s/rbac.yaml is applied to {namespace} (parameter Namespace)"
        if settings["name"] != name and parameters["SitesFileSystemArn"] != "none":
            yield f"{kind} {settings['name']}: k8s/rbac.yaml grants {name} (parameter {parameter})"

    return look
