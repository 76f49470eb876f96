"""The kind `secret`."""

from collections.abc import Iterator

from rotation.consumers import keys
from rotation.consumers.cluster.place import PROPERTIES, REQUIRED, beyond, place
from rotation.kinds.kind import ConsumerKind, Holds, Settings

OPENEMR = {
    "mysql-user": "{username}",
    "mysql-password": "{password}",
    "mysql-host": "{host}",
    "mysql-database": "{dbname}",
}
"""The keys of a target that names none."""


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    if "keys" not in settings:
        return f"Secret {place(settings)}: mysql-host, -user, -password, -database to {new}"
    return f"Secret {place(settings)}: {', '.join(settings['keys'])} to {new}, every other key as it is"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Its keys."""
    return keys.written(f"Secret {place(settings)} in {settings['cluster']}", settings, "name", OPENEMR)


KIND = ConsumerKind(
    state="PatchSecret",
    holds=Holds.ACTIVE,
    properties={**PROPERTIES, "keys": keys.KEYS},
    required=REQUIRED,
    change=change,
    check=keys.check,
    fits=keys.fits,
    says_user=keys.says_user,
    beyond=beyond("secret", "K8sSecretName"),
    writes=writes,
    in_cluster=True,
)
