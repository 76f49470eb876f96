"""The kind `swarm-secret`."""

from collections.abc import Iterator

from rotation.consumers import keys
from rotation.consumers.swarm.place import PROPERTIES, REQUIRED, SHARES, beyond, written
from rotation.consumers.swarm.versions import check_base
from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    return f"secret {', '.join(f'{base}_vN' for base in settings['keys'])} of the Swarm: one more, for {new}"


def check(settings: Settings) -> None:
    """Each key is what a secret is called, without its number."""
    for base in settings["keys"]:
        try:
            check_base(base)
        except TargetInvalid as error:
            raise TargetInvalid(f"keys: {error}") from None
    keys.check(settings)


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every version of its secrets."""
    yield from (("keys", what) for base in settings["keys"] for what in written(f"secret {base}", settings))


KIND = ConsumerKind(
    state="CreateSwarmSecret",
    holds=Holds.SHELF,
    properties={
        **PROPERTIES,
        "keys": {**keys.KEYS, "description": "What each secret holds, by its name without a number: templates over the login"},
    },
    required=(*REQUIRED, "keys"),
    change=change,
    check=check,
    fits=keys.fits,
    says_user=keys.says_user,
    shares=SHARES,
    beyond=beyond("swarm-secret"),
    writes=writes,
)
