"""The kind `http-api-key`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rotation.core.errors import TargetInvalid
from rotation.core.fields import Values
from rotation.kinds.kind import Advice, Lack, SourceKind
from rotation.sources.http_api_key import description

if TYPE_CHECKING:
    from rotation.kinds.kind import Parameters, Settings

HOSTS = "ApiHosts"
"""The parameter that names every host that may be asked."""
NEEDED = ("list", "issue", "try")
BY_HAND = "It cannot be rotated by itself: replace the key by hand"
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9][0-9]{0,4})?")
SAID = {
    "list": "has no list of keys",
    "issue": "issues no key",
    "deactivate": "deactivates no key",
    "delete": "deletes no key",
    "name": "gives keys no name",
    "created": "does not tell a key's age",
    "used": "does not tell a key's last use",
}
STATES = {
    **dict.fromkeys(("list", "created"), "ClaimRotation"),
    **dict.fromkeys(("issue", "name"), "SyncUsers"),
    "deactivate": "RotateOldSlot",
    "delete": "DiscardOldPassword",
    "used": "CheckDrained",
}
"""Where that shows."""
INSTEAD = {
    "deactivate": "; the old key is deleted at once, without a look in between",
    "delete": "; the old key stays there, deactivated",
    "used": "; that nobody uses the old key any more is not looked at, but waited for",
}
VALUE: dict[str, Any] = {"type": "string", "pattern": r"^[^\s{}]+$"}


def place(settings: Settings) -> str:
    """The host, with its port where that is not 443."""
    found = description.of(settings["description"])
    return found.host.render(Values(dict(settings["values"]), {})).lower()


def check(settings: Settings) -> None:
    """What has to be there to rotate a key, and what the description asks of the target."""
    told = description.of(settings["description"])
    for part in NEEDED:
        if part not in told.calls:
            raise TargetInvalid(f"description: {told.provider} cannot {part}: {told.cannot[part]}. {BY_HAND}")
    if not {"deactivate", "delete"} & told.calls.keys():
        raise TargetInvalid(f"description: {told.provider} cannot delete: {told.cannot['delete']}. {BY_HAND}")
    told.scopes(settings.get("scopes"))
    told.values(settings["values"])
    if not HOST.fullmatch(place(settings)):
        raise TargetInvalid("description.host is no host name, with its port where that is not 443")
    if "name" in told.calls["list"].said and settings["dedicated"]:
        raise TargetInvalid(f"dedicated: keys of {told.provider} carry a name, by which ours are known: leave it out")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """No host is asked that the stack does not name."""
    host, named = place(settings), parameters.get(HOSTS, "none")
    if host not in named.lower().split(","):
        yield f"source host {host}: the functions may ask {named} (parameter {HOSTS})"


def lacks(settings: Settings) -> Iterator[Lack]:
    """What the provider has no call for, or does not tell, and what is done in its place."""
    told = description.of(settings["description"])
    for what, why in told.cannot.items():
        yield Lack(STATES[what], f"{told.provider} {SAID[what]}: {why}{INSTEAD.get(what, '')}", idle=what == "deactivate")


KIND = SourceKind(
    properties={
        "description": {
            "description": "How the provider's API is asked: the name of a description that is shipped, or one of your own",
            "type": ["string", "object"],
        },
        "values": {
            "description": "What the description asks for besides: whose keys they are",
            "type": "object",
            "additionalProperties": VALUE,
            "default": {},
        },
        "scopes": {"description": "What a key may do, as the provider calls it", "type": ["array", "string", "object"]},
        "ca": {
            "description": "Who vouches for the API: system (the authorities of the runtime), or a CA certificate as PEM text",
            "type": "string",
            "pattern": "^(system$|-----BEGIN CERTIFICATE-----)",
            "default": "system",
        },
        "dedicated": {
            "description": "Of a provider whose keys carry no name: whether nobody but this target makes keys there",
            "type": "boolean",
            "default": False,
        },
    },
    required=("description",),
    engines={},
    port=443,
    advice=Advice(
        lacking="docs/http-api-key.md says what the admin's key has to be allowed",
        without_tls="",
        ends_sessions="",
        counts_logins="",
    ),
    issues_keys=True,
    check=check,
    beyond=beyond,
    lacks=lacks,
    tries=True,
)
