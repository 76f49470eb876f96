"""The kind `vault-kv`."""

from collections.abc import Iterator

from rotation.consumers import keys
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings
from rotation.vault.fields import PATH, PLACE, PLACE_REQUIRED, check_login, login, not_granted

LOGINS = {"login": "VaultLoginSecretArn", "reader": "VaultReaderSecretArn"}
"""Each with the parameter that names its secret."""


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    what = f"{keys.named(settings)} from {used} to {new}, every other key as it is"
    later = "; older versions are destroyed once the old login is refused" if settings["destroys_older"] else ""
    return f"{settings['mount']}/{settings['path']} in Vault: {what}{later}"


def check(settings: Settings) -> None:
    """What a login takes depends on its method; a template that cannot be read back is refused with the target."""
    keys.check(settings)
    for field in LOGINS:
        if field in settings:
            check_login(field, settings[field])


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may read one secret for each login."""
    yield from not_granted("vault-kv", settings, LOGINS, parameters)


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Its keys, of that path."""
    namespace = f"{settings['namespace']}/" if settings["namespace"] else ""
    return keys.written(f"{namespace}{settings['mount']}/{settings['path']} in {settings['address']}", settings, "path")


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        **PLACE,
        **PATH,
        "login": login("Who may read and write it"),
        "reader": login("Who may only read it: what the other functions than PutSecret log in as; without it they too use login"),
        "application_cache_seconds": keys.CACHE_SECONDS,
        "keys": keys.KEYS,
        "destroys_older": {
            "description": "Whether older versions that hold a withdrawn login are destroyed, with whatever else is in them",
            "type": "boolean",
            "default": True,
        },
    },
    required=(*PLACE_REQUIRED, "mount", "path", "login", "application_cache_seconds"),
    change=change,
    check=check,
    fits=keys.fits,
    says_user=keys.says_user,
    beyond=beyond,
    writes=writes,
    forgets="destroys_older",
    looks=True,
    validated=True,
)
