"""The kind `certificate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import Advice, Lack, SourceKind
from rotation.sources.certificates import ALT_NAMES, AUTHORITY, COMMON_NAME, DAY, KEY, asked_names, check_authority, fits
from rotation.vault.fields import NAME, PLACE, PLACE_REQUIRED, host, is_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rotation.kinds.kind import Parameters, Settings

HOSTS = "PkiHosts"
"""The parameter that names every host that may be asked for certificates."""


def check(settings: Settings) -> None:
    """What a schema cannot say."""
    check_authority(settings)
    try:
        asked_names(settings)
    except ValueError as error:
        raise TargetInvalid(f"ip_sans: {error}") from None


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """No Vault is asked that the stack does not name."""
    asked, named = host(settings), parameters.get(HOSTS, "none")
    if not is_named(asked, named.split(",")):
        yield f"source host {asked}: the functions may ask {named} for certificates (parameter {HOSTS})"


def lacks(_: Settings) -> Iterator[Lack]:
    """A revocation is for good, and nobody sees who shows a certificate."""
    yield Lack(
        "RotateOldSlot", "a PKI can only revoke for good: that is done by DiscardOldPassword, without a look in between", idle=True
    )
    yield Lack(
        "CheckDrained",
        "a PKI does not see who uses a certificate; that nobody uses the old one any more is not looked at, but waited for",
    )


def plan(settings: Settings) -> Mapping[str, str]:
    """What a dry run says instead of what it says of other keys."""
    where = f"{settings['mount']} of {settings['address']}"
    return {"DiscardOldPassword": f"{{old}}: revoked at {where}, and found revoked there"}


KIND = SourceKind(
    properties={
        **PLACE,
        "mount": {"description": "Where the PKI is mounted", "type": "string", "pattern": NAME, "default": "pki"},
        "role": {"description": "The PKI's role that signs", "type": "string", "pattern": r"^[\w.-]+$"},
        "login": {
            "description": "How to log in: with what the admin's secret holds, the role as its user name",
            "type": "object",
            "required": ["method"],
            "additionalProperties": False,
            "properties": {"method": {"enum": ["approle", "jwt"]}, "mount": {"type": "string", "pattern": NAME}},
            "default": {"method": "approle"},
        },
        "authority": AUTHORITY,
        "common_name": COMMON_NAME,
        "alt_names": ALT_NAMES,
        "ip_sans": {"description": "Its addresses", "type": "array", "items": {"type": "string"}, "default": []},
        "ttl_days": {
            "description": "For how long a certificate is valid: longer than from one rotation to the end of the next",
            "type": "integer",
            "minimum": 1,
            "maximum": 3650,
        },
        "key": KEY,
    },
    required=(*PLACE_REQUIRED, "role", "authority", "common_name", "ttl_days"),
    engines={},
    port=8200,
    advice=Advice(
        lacking="docs/certificates.md says which policy the role needs", without_tls="", ends_sessions="", counts_logins="",
    ),
    issues_keys=True,
    check=check,
    fits=fits,
    beyond=beyond,
    lacks=lacks,
    plan=plan,
    lasts=lambda settings: ("ttl_days", int(settings["ttl_days"]) * DAY),
    proof="The old certificate is revoked",
)  # fmt: skip
