"""What the roles of a stack reach, and what of a target document they do not. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rotation.core.target import Target


@dataclass(frozen=True)
class Reach:
    """As the stack was deployed: its roles are granted these and no others."""

    secrets: tuple[str, str]
    """The slot secret's and the admin secret's ARN."""
    cluster: str
    namespace: str
    """k8s/rbac.yaml is applied to this one, for these two objects."""
    secret: str
    deployment: str

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Reach":
        """From the stack's parameters."""
        return cls(
            (parameters["SlotSecretArn"], parameters["AdminSecretArn"]),
            parameters["ClusterName"],
            parameters["Namespace"],
            parameters["K8sSecretName"],
            parameters["DeploymentName"],
        )

    def beyond(self, target: Target) -> Iterator[str]:
        """What the target names and this stack's roles do not reach, each with what would mend it."""
        slots, admin = self.secrets
        if target.slot_secret != slots:
            yield f"slot_secret {target.slot_secret}: the roles may use {slots} (parameter SlotSecretArn)"
        if target.admin_secret != admin:
            yield f"admin_secret {target.admin_secret}: the roles may use {admin} (parameter AdminSecretArn)"
        for consumer in target.consumers:
            if consumer.kind in ("secret", "deployment"):
                yield from self._beyond_cluster(consumer.kind, consumer.settings)

    def _beyond_cluster(self, kind: str, settings: Mapping[str, str]) -> Iterator[str]:
        granted = {"secret": ("K8sSecretName", self.secret), "deployment": ("DeploymentName", self.deployment)}
        parameter, name = granted[kind]
        if settings["cluster"] != self.cluster:
            yield f"{kind}: cluster {settings['cluster']}: the roles may enter {self.cluster} (parameter ClusterName)"
        if settings["namespace"] != self.namespace:
            yield f"{kind}: namespace {settings['namespace']}: k8s/rbac.yaml is applied to {self.namespace} (parameter Namespace)"
        if settings["name"] != name:
            yield f"{kind} {settings['name']}: k8s/rbac.yaml grants {name} (parameter {parameter})"
