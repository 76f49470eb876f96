"""The kind `proxy-secret`."""

from collections.abc import Iterator

from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    return f"the one of {len(settings['secrets'])} proxy secrets that names {new}: its password, if it is another"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use those of one proxy."""
    granted = parameters["ProxySecretArns"].split(",")
    for secret in settings["secrets"]:
        if secret not in granted:
            yield f"proxy-secret {secret}: the roles may use {', '.join(granted)} (parameter ProxySecretArns)"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """A proxy's secret is one user's."""
    yield from (("secrets", f"secret {secret}") for secret in settings["secrets"])


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.EVERY,
    properties={
        "secrets": {
            "description": "ARNs of the proxy's secrets, one for each user that takes turns; told apart by their username",
            "type": "array",
            "minItems": 2,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^arn:"},
        }
    },
    required=("secrets",),
    change=change,
    beyond=beyond,
    writes=writes,
)
