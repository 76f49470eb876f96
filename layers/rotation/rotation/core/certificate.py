"""A certificate and its private key as one text, and what is read from the certificate without a library for it. Pure.

Python's ssl tells nothing of a certificate that it has loaded, and who refuses one that has expired says no more than that it is a
bad one. The library that makes certificates is not in every function that reads one.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from rotation.core.model import Password

T = TypeVar("T")
_SEQUENCE, _INTEGER, _UTC_TIME = 0x30, 0x02, 0x17
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN (?P<kind>(?:EC |RSA )?PRIVATE KEY)-----.+?-----END (?P=kind)-----", re.DOTALL)


def bundle(certificate: str, key: Password) -> Password:
    """Both as one text: the key, the certificate, those that vouch for it. ValueError where one of both is not there."""
    found = _KEY.search(key.reveal())
    if found is None:
        raise ValueError("no private key")
    return Password(f"{_lines(found[0])}\n{_chain(certificate)}")


def parts(password: Password) -> tuple[str, Password]:
    """The certificate with those that vouch for it, and the key. ValueError where one of both is not there."""
    found = _KEY.search(password.reveal())
    if found is None:
        raise ValueError("no private key")
    return _chain(password.reveal()), Password(f"{_lines(found[0])}\n")


def each(pem: str) -> Iterator[str]:
    """Every certificate in it."""
    return (f"{_lines(block[0])}\n" for block in _BLOCK.finditer(pem))


def serial(pem: str) -> str:
    """Of the first certificate in it, as a PKI calls it: 3f:09:…. ValueError where there is none that can be read."""
    number = _read(pem, _serial)
    return ":".join(f"{byte:02x}" for byte in number)


def _chain(text: str) -> str:
    found = "".join(each(text))
    if not found:
        raise ValueError("no certificate")
    return found


def _lines(block: str) -> str:
    """However its lines ended, and whatever stood before them."""
    return "\n".join(line for one in block.splitlines() if (line := one.strip()))


def expires(pem: str) -> datetime:
    """Of the first certificate in it. ValueError where there is none that can be read."""
    return _read(pem, _not_after)


def _read(pem: str, what: Callable[[bytes], T]) -> T:
    found = _BLOCK.search(pem)
    if found is None:
        raise ValueError("no certificate")
    try:
        return what(binascii.a2b_base64(found[1]))
    except (IndexError, ValueError):
        raise ValueError("no certificate") from None


def _serial(der: bytes) -> bytes:
    """Certificate → to be signed → after version (where it is said): a whole number, which may begin with a zero for its sign."""
    number = _serial_on(der)
    if number[0] != _INTEGER:
        raise ValueError("no certificate")
    return _inside(number).lstrip(b"\0") or b"\0"


def _not_after(der: bytes) -> datetime:
    """Certificate → to be signed → after serial number, algorithm and issuer: validity → its second."""
    signed = _serial_on(der)
    for _ in range(3):
        signed = _behind(signed)
    if signed[0] != _SEQUENCE:
        raise ValueError("no certificate")
    second = _behind(_inside(signed))
    text = _inside(second).decode("ascii")
    return datetime.strptime(text, "%y%m%d%H%M%SZ" if second[0] == _UTC_TIME else "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _serial_on(der: bytes) -> bytes:
    signed = _inside(_inside(der))
    return _behind(signed) if signed[0] != _SEQUENCE and signed[0] & 0xE0 == 0xA0 else signed


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
