"""The kind `deployment`."""

from rotation.consumers.cluster.place import PROPERTIES, REQUIRED, beyond, place
from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, _used: str, _new: str) -> str:
    """What a dry run says."""
    return f"Deployment {place(settings)}: two annotations, so every pod is replaced"


KIND = ConsumerKind(
    state="RestartApp",
    holds=Holds.NOTHING,
    properties=PROPERTIES,
    required=REQUIRED,
    change=change,
    beyond=beyond("deployment", "DeploymentName"),
    in_cluster=True,
)
