"""The kind `secret`."""

from rotation.consumers import keys
from rotation.consumers.cluster.place import PROPERTIES, REQUIRED, beyond, place
from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    if "keys" not in settings:
        return f"Secret {place(settings)}: mysql-host, -user, -password, -database to {new}"
    return f"Secret {place(settings)}: {', '.join(settings['keys'])} to {new}, every other key as it is"


KIND = ConsumerKind(
    state="PatchSecret",
    holds=Holds.ACTIVE,
    properties={**PROPERTIES, "keys": keys.KEYS},
    required=REQUIRED,
    change=change,
    check=keys.check,
    fits=keys.fits,
    beyond=beyond("secret", "K8sSecretName"),
    in_cluster=True,
)
