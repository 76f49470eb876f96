"""The kind `secret`."""

from rotation.consumers.cluster.place import PROPERTIES, REQUIRED, beyond, place
from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    return f"Secret {place(settings)}: mysql-host, -user, -password, -database to {new}"


KIND = ConsumerKind(
    state="PatchSecret",
    holds=Holds.ACTIVE,
    properties=PROPERTIES,
    required=REQUIRED,
    change=change,
    beyond=beyond("secret", "K8sSecretName"),
    in_cluster=True,
)
