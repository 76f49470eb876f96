"""The kind `vault-kv`."""

from collections.abc import Iterator
from typing import Any

from rotation.consumers import keys
from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings
from rotation.vault.fields import NAME, PLACE, PLACE_REQUIRED

LOGINS = {"login": "VaultLoginSecretArn", "reader": "VaultReaderSecretArn"}
"""Each with the parameter that names its secret."""


def login(description: str) -> dict[str, Any]:
    """How to log in, as a target says it."""
    return {
        "description": description,
        "type": "object",
        "required": ["method", "role"],
        "additionalProperties": False,
        "properties": {
            "method": {"enum": ["approle", "jwt", "aws"]},
            "mount": {"type": "string", "pattern": NAME},
            "role": {"type": "string", "minLength": 1},
            "secret": {"type": "string", "pattern": "^arn:"},
            "server_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
        },
    }


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
            _check_login(field, settings[field])


def _check_login(field: str, of: Settings) -> None:
    if of["method"] == "aws" and "secret" in of:
        raise TargetInvalid(f"{field}.secret: method aws logs in with the function's own role: leave the secret out")
    if of["method"] != "aws" and "secret" not in of:
        raise TargetInvalid(f"{field}.secret is missing: method {of['method']} takes what it logs in with from a secret")
    if of["method"] != "aws" and "server_id" in of:
        raise TargetInvalid(f"{field}.server_id: only method aws signs it: leave it out")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may read one secret for each login."""
    for field, parameter in LOGINS.items():
        secret, granted = settings.get(field, {}).get("secret"), parameters.get(parameter, "none")
        if secret is not None and secret != granted:
            yield f"vault-kv {field}.secret {secret}: the roles may read {granted} (parameter {parameter})"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Its keys, of that path."""
    namespace = f"{settings['namespace']}/" if settings["namespace"] else ""
    return keys.written(f"{namespace}{settings['mount']}/{settings['path']} in {settings['address']}", settings, "path")


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        **PLACE,
        "mount": {"description": "Of a key-value store of version 2", "type": "string", "pattern": NAME},
        "path": {"description": "Below the mount, as the application reads it", "type": "string", "pattern": NAME},
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
