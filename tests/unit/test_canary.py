"""A password is found however it is written, and an innocent text is not taken for it."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from local.canary import ways_to_write

PASSWORDS = ["short+ 1", "V3ry-l0ng.and_random~password=", "ümläut%&?", "a(b)c|d^e#f!g*h,"]


def found(password: str, text: bytes) -> set[str]:
    return {way for way, needle in ways_to_write(password) if needle in text}


def lower_case(text: str) -> str:
    return re.sub("%..", lambda escape: escape.group().lower(), quote(text, safe=""))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz", "\n"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_wherever_in_a_longer_text_it_begins(password: str, before: str, after: str, encode: type[bytes]) -> None:
    assert "base64" in found(password, encode(f"{before}{password}{after}".encode()))


@pytest.mark.parametrize("password", PASSWORDS)
def test_as_it_is_in_hex_in_urls_and_in_json(password: str) -> None:
    assert "raw" in found(password, f"password={password};".encode())
    assert "hex" in found(password, b"0x" + password.encode().hex().encode())
    assert "hex" in found(password, password.encode().hex().upper().encode())
    for write in (quote, quote_plus, lambda text: quote(text, safe=""), lower_case):
        assert found(password, write(password).encode()), write
    assert found(password, json.dumps({"password": password}).encode())


@pytest.mark.parametrize("password", PASSWORDS)
def test_another_text_is_not_taken_for_it(password: str) -> None:
    other = password[:-1].encode()
    for text in (other, other[::-1], base64.b64encode(other), other.hex().encode(), quote(other).encode()):
        assert found(password, text) == set()
