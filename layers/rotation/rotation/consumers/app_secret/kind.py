"""The kind `app-secret`."""

from collections.abc import Iterator

from rotation.consumers import keys
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    return f"AWSCURRENT of {settings['secret']}: {keys.named(settings)} from {used} to {new}, every other key as it is"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use one such secret."""
    granted = parameters["ApplicationSecretArn"].split(",")
    if settings["secret"] not in granted:
        yield f"app-secret {settings['secret']}: the roles may use {', '.join(granted)} (parameter ApplicationSecretArn)"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Its keys. Secrets Manager's own rotation, which has no keys, is its target's if it moves the traffic (`rotated`)."""
    return keys.written(f"secret {settings['secret']}", settings, "secret")


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        "secret": {"description": "ARN of the secret that the application reads", "type": "string", "pattern": "^arn:"},
        "application_cache_seconds": keys.CACHE_SECONDS,
        "keys": keys.KEYS,
    },
    required=("secret", "application_cache_seconds"),
    change=change,
    check=keys.check,
    fits=keys.fits,
    says_user=keys.says_user,
    beyond=beyond,
    writes=writes,
    validated=True,
    rotated="secret",
)
