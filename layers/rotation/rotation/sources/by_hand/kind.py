"""The kind `by-hand`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rotation.core.errors import TargetInvalid
from rotation.core.model import Password
from rotation.kinds.kind import Advice, Lack, SourceKind, can_be_any

if TYPE_CHECKING:
    from rotation.kinds.kind import Parameters, Settings

KEY, HOSTS = "{key}", "ApiHosts"
_STATUSES: dict[str, Any] = {"type": "array", "items": {"type": "integer", "minimum": 200, "maximum": 599}, "minItems": 1}
TRY: dict[str, Any] = {
    "description": "A request by which a key is tried. It changes nothing and costs nothing; no redirect is followed",
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {
            "description": "What is asked for with GET",
            "type": "string",
            "pattern": r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$",
        },
        "header": {"type": "string", "pattern": "^[A-Za-z0-9-]+$", "default": "Authorization"},
        "value": {"description": "Of that header, with {key} in it", "type": "string", "default": "Bearer {key}"},
        "works": {"description": "The statuses that say that the key works", "default": [200], **_STATUSES},
        "refused": {"description": "The statuses that say that it does not; any other says nothing", "default": [401], **_STATUSES},
        "ca": {
            "description": "Who signed the certificate: system, or a CA certificate as PEM text",
            "type": "string",
            "pattern": "^(system$|-----BEGIN CERTIFICATE-----)",
            "default": "system",
        },
    },
}


def check(settings: Settings) -> None:
    """What a try says has to be one of two things."""
    how = settings.get("try")
    if how is None:
        return
    if how["value"].count(KEY) != 1:
        raise TargetInvalid(f"try.value: it has to say {KEY} once, where the key goes")
    both = sorted(set(how["works"]) & set(how["refused"]))
    if both:
        raise TargetInvalid(f"try.refused: {both[0]} says that a key works already: leave it in one of the two")


def host_of(how: Settings) -> str:
    """With its port where that is not 443."""
    return str(how["url"]).removeprefix("https://").partition("/")[0].lower().removesuffix(":443")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """No host is asked that the stack does not name."""
    named = parameters.get(HOSTS, "none")
    if "try" in settings and host_of(settings["try"]) not in named.lower().split(","):
        yield f"source.try host {host_of(settings['try'])}: the functions may ask {named} (parameter {HOSTS})"


def nothing(_: Settings) -> Password:
    """Keys are issued by the provider alone: the entry stays empty until somebody hands one in."""
    return Password("")


def lacks(settings: Settings) -> Iterator[Lack]:
    """What is left to people, and what cannot be seen."""
    if "try" not in settings:
        yield Lack("ValidateApp", "a key cannot be tried (source.try is not set): that a new one works, the page alone shows")
        yield Lack("DiscardOldPassword", "that an old key is refused, only a person can say (rotation withdrawn --said)")
    yield Lack(
        "DiscardOldPassword", "the old key stays valid until a person revokes it where it was made; `rotation status` reminds"
    )


KIND = SourceKind(
    properties={"try": TRY},
    engines={},
    port=443,
    advice=Advice(lacking="", without_tls="", ends_sessions="", counts_logins=""),
    fits=can_be_any,
    check=check,
    beyond=beyond,
    makes=nothing,
    proof="Now revoke the old key where it was made: rotation withdrawn shows that it is refused",
    by_hand=True,
    lacks=lacks,
    needs_admin=False,
    writes_key_alone=True,
)
