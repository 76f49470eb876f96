"""The kind `acme-certificate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.kinds.kind import Advice, Lack, SourceKind
from rotation.sources.certificates import ALT_NAMES, AUTHORITY, COMMON_NAME, DAY, KEY, asked_names, check_authority, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rotation.kinds.kind import Parameters, Settings

HOSTS, ZONE = "AcmeHosts", "AcmeZoneId"
"""The parameters that name every ACME server that may be asked, and the zone that may be changed."""


def host(settings: Settings) -> str:
    """With its port where that is not 443."""
    return str(settings["directory"]).removeprefix("https://").partition("/")[0].lower().removesuffix(":443")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """No server is asked and no zone changed that the stack does not name."""
    asked, named = host(settings), parameters.get(HOSTS, "none").lower().split(",")
    if asked not in named:
        yield f"source host {asked}: the functions may ask {', '.join(named)} for certificates (parameter {HOSTS})"
    zone = parameters.get(ZONE, "none")
    if settings["zone"] != zone:
        yield f"source.zone {settings['zone']}: the functions may change records of {zone} (parameter {ZONE})"


def owns(settings: Settings) -> Iterator[tuple[str, str]]:
    """An order for the same names is the same order, at some servers."""
    yield "common_name", f"the certificates of {host(settings)} for {', '.join(sorted(asked_names(settings)))}"


def lacks(_: Settings) -> Iterator[Lack]:
    """A revocation is for good, and nobody sees who shows a certificate."""
    yield Lack(
        "RotateOldSlot",
        "an ACME server can only revoke for good: that is done by DiscardOldPassword, without a look in between",
        idle=True,
    )
    yield Lack(
        "CheckDrained",
        "an ACME server does not see who uses a certificate; that nobody uses the old one any more is not looked at,"
        " but waited for",
    )


def plan(settings: Settings) -> Mapping[str, str]:
    """What a dry run says instead of what it says of other keys."""
    return {"DiscardOldPassword": f"{{old}}: revoked at {host(settings)}, and found revoked there"}


KIND = SourceKind(
    properties={
        "directory": {
            "description": "The URL of the ACME server's directory",
            "type": "string",
            "pattern": r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        },
        "ca": {
            "description": "Who vouches for that server: system (the authorities of the runtime), or a CA certificate as PEM text",
            "type": "string",
            "pattern": "^(system$|-----BEGIN CERTIFICATE-----)",
            "default": "system",
        },
        "zone": {
            "description": "The id of the hosted zone of Route 53 that has all the names, or has their _acme-challenge",
            "type": "string",
            "pattern": "^[A-Z0-9]{1,32}$",
        },
        "authority": AUTHORITY,
        "common_name": COMMON_NAME | {"maxLength": 64},
        "alt_names": ALT_NAMES,
        "lasts_days": {
            "description": "For how long the server's certificates are valid: longer than from one rotation to the end of the next",
            "type": "integer",
            "minimum": 1,
            "maximum": 3650,
        },
        "key": KEY,
    },
    required=("directory", "zone", "authority", "common_name", "lasts_days"),
    engines={},
    port=443,
    advice=Advice(lacking="docs/acme.md says what the account needs", without_tls="", ends_sessions="", counts_logins=""),
    issues_keys=True,
    check=check_authority,
    fits=fits,
    beyond=beyond,
    owns=owns,
    lacks=lacks,
    plan=plan,
    lasts=lambda settings: ("lasts_days", int(settings["lasts_days"]) * DAY),
    proof="The old certificate is revoked",
)
