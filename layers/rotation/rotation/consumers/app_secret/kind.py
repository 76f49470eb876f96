"""The kind `app-secret`."""

from collections.abc import Iterator

from rotation.consumers import keys
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    what = ", ".join(settings["keys"]) if "keys" in settings else "username and password"
    return f"AWSCURRENT of {settings['secret']}: {what} from {used} to {new}, every other key as it is"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use one such secret."""
    granted = parameters["ApplicationSecretArn"].split(",")
    if settings["secret"] not in granted:
        yield f"app-secret {settings['secret']}: the roles may use {', '.join(granted)} (parameter ApplicationSecretArn)"


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        "secret": {"description": "ARN of the secret that the application reads", "type": "string", "pattern": "^arn:"},
        "application_cache_seconds": {
            "description": "How long the application may go on with what it has read; both logins work for at least as long",
            "type": "integer",
            "minimum": 0,
            "maximum": 172800,
        },
        "keys": keys.KEYS,
    },
    required=("secret", "application_cache_seconds"),
    change=change,
    check=keys.check,
    fits=keys.fits,
    beyond=beyond,
    validated=True,
    rotated="secret",
)
