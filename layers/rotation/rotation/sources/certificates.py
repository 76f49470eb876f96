"""What a target says of a certificate, whoever signs it, and what of one that was signed is not as it was asked. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rotation.core.certificate import expires, parts, serial
from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.vault.fields import PEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings

DAY = 86_400
ROUNDING_SECONDS = 120
"""An authority counts from its own clock, and from a moment before."""
DNS = r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
KEY_TYPES = {"ec-p256": ("ec", 256), "ec-p384": ("ec", 384), "rsa-2048": ("rsa", 2048), "rsa-3072": ("rsa", 3072)}
"""Each as a role of a PKI calls it."""
AUTHORITY: dict[str, Any] = {
    "description": "Whom the application's clients trust, as PEM: each certificate is tried with it and nothing else",
    "type": "string",
    "pattern": PEM,
}
COMMON_NAME: dict[str, Any] = {
    "description": "The name by which clients call the application",
    "type": "string",
    "pattern": DNS,
}
ALT_NAMES: dict[str, Any] = {
    "description": "Further names",
    "type": "array",
    "items": {"type": "string", "pattern": DNS},
    "default": [],
}
KEY: dict[str, Any] = {"description": "What sort of private key is made", "enum": list(KEY_TYPES), "default": "ec-p256"}


class Request(NamedTuple):
    """A private key, and what is asked for it: the key is not in that."""

    key: Password
    text: str
    public: bytes


class About(NamedTuple):
    """What a certificate says of itself."""

    serial: str
    names: frozenset[str]
    """DNS names and addresses."""
    uris: frozenset[str]
    begins: float
    ends: float
    public: bytes
    own_issuer: bool
    """Whether nobody else vouches for it."""


class Maker(Protocol):
    """All that needs a library."""

    def request(self, settings: Settings, uri: str = "") -> Request:
        """A new key, and the request to sign it. `uri`: a name of ours among the others."""

    def about(self, pem: str) -> About:
        """Of the first certificate in it. ValueError where there is none that can be read."""

    def shakes(self, password: Password, authority: str) -> bool:
        """Whether a client that trusts that authority alone takes it, from a server that has its key."""


def check_authority(settings: Settings) -> None:
    """What a schema cannot say of it."""
    try:
        expires(settings["authority"])
    except ValueError:
        raise TargetInvalid("authority is no certificate in PEM") from None


def asked_names(settings: Settings) -> frozenset[str]:
    """What a certificate is to be good for, addresses as certificates write them. ValueError where one is none."""
    addresses = (str(ip_address(one)) for one in settings.get("ip_sans", ()))
    return frozenset((settings["common_name"], *settings["alt_names"], *addresses))


def fits(_: Settings, login: Credential) -> None:
    """It is a certificate with its key, under its own serial number."""
    try:
        number = serial(parts(login.password)[0])
    except ValueError:
        raise SecretInvalid("password is no private key with its certificate, both in PEM (docs/certificates.md)") from None
    if number != login.username:
        raise SecretInvalid(f"username is not the serial number of the certificate in password, which is {number}")


def own(maker: Maker, credential: Credential) -> About | None:
    """None where the certificate that bears that number is not in it."""
    try:
        found = maker.about(parts(credential.password)[0])
    except ValueError:
        return None
    return found if found.serial == credential.username else None


def unlike(about: About, names: frozenset[str], until: float) -> Iterator[str]:
    """What of it is not as it was asked."""
    if not names <= about.names:
        yield f"without {', '.join(sorted(names - about.names))}"
    if about.ends < until - ROUNDING_SECONDS:
        yield "for a shorter time"
