"""What a target says of a Swarm, whichever of its kinds. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from rotation.kinds.kind import Parameters, Settings

PROPERTIES: dict[str, Any] = {
    "managers": {
        "description": "Managers of the Swarm, each as host:port of its engine's TLS socket; who does not answer is passed over",
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "string", "pattern": "^[A-Za-z0-9.-]+:[0-9]{1,5}$"},
    },
    "ca": {
        "description": "Who vouches for the managers, as PEM: nobody else does",
        "type": "string",
        "pattern": "^-----BEGIN CERTIFICATE-----",
    },
    "client_secret": {
        "description": "ARN of the secret with the client's certificate and key, in the keys certificate and key",
        "type": "string",
        "pattern": "^arn:",
    },
    "tls": {"description": "The least version of TLS that is spoken", "enum": ["1.3", "1.2"], "default": "1.3"},
}
REQUIRED = ("managers", "ca", "client_secret")
SHARES = ("client_secret",)


def beyond(kind: str) -> Callable[[Settings, Parameters], Iterator[str]]:
    """The roles may read one client's certificate."""

    def said(settings: Settings, parameters: Parameters) -> Iterator[str]:
        granted = parameters["SwarmClientSecretArn"]
        if settings["client_secret"] != granted:
            yield f"{kind} {settings['client_secret']}: the roles may read {granted} (parameter SwarmClientSecretArn)"

    return said


def written(what: str, settings: Settings) -> Iterator[str]:
    """That, at each of the managers: another target may name only some of them."""
    yield from (f"{what} of the Swarm at {manager}" for manager in settings["managers"])
