"""Until when a certificate is valid, read from its PEM. Pure.

Python's ssl tells nothing of a client certificate that it has loaded, and a manager says of one that has expired no more than that
it is a bad one."""

import binascii
import re
from datetime import UTC, datetime

_SEQUENCE, _UTC_TIME = 0x30, 0x17
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def expires(pem: str) -> datetime:
    """Of the first certificate in it. ValueError where there is none that can be read."""
    found = _BLOCK.search(pem)
    if found is None:
        raise ValueError("no certificate")
    try:
        return _not_after(binascii.a2b_base64(found[1]))
    except (IndexError, ValueError):
        raise ValueError("no certificate") from None


def _not_after(der: bytes) -> datetime:
    """Certificate → to be signed → after version (where it is said), serial number, algorithm and issuer: validity → its second."""
    signed = _inside(_inside(der))
    if signed[0] != _SEQUENCE and signed[0] & 0xE0 == 0xA0:
        signed = _behind(signed)
    for _ in range(3):
        signed = _behind(signed)
    if signed[0] != _SEQUENCE:
        raise ValueError("no certificate")
    second = _behind(_inside(signed))
    text = _inside(second).decode("ascii")
    return datetime.strptime(text, "%y%m%d%H%M%SZ" if second[0] == _UTC_TIME else "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _inside(der: bytes) -> bytes:
    start, length = _header(der)
    return der[start : start + length]


def _behind(der: bytes) -> bytes:
    start, length = _header(der)
    return der[start + length :]


def _header(der: bytes) -> tuple[int, int]:
    first = der[1]
    if first < 0x80:
        return 2, first
    more = first & 0x7F
    return 2 + more, int.from_bytes(der[2 : 2 + more])
