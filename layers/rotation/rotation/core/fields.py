"""The named fields of a credential, and the ways in which a value is escaped where it stands among other text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.core.model import Password

ANY = r"(?s:.)"
NAME = r"[\w.~$-]"


@dataclass(frozen=True)
class Field:
    """`unit` matches one character that its value may hold where text follows it. A secret's value is a Password."""

    unit: str
    secret: bool = False


Fields = Mapping[str, Field]
LOGIN: Fields = {
    "username": Field(NAME),
    "password": Field(ANY, secret=True),
    "host": Field(r"[\w.-]"),
    "port": Field(r"[0-9]"),
    "dbname": Field(NAME),
    "certificate": Field(ANY),
    "key": Field(ANY, secret=True),
}
PARTS = {"password": ("certificate", "key")}
"""A secret that may be written in parts instead, each in a place of its own."""


@dataclass(frozen=True)
class Values:
    """What the fields hold, the secret ones apart."""

    plain: Mapping[str, str]
    secret: Mapping[str, Password]

    def text(self, field: str) -> str | None:
        hidden = self.secret.get(field)
        return self.plain.get(field) if hidden is None else hidden.reveal()


@dataclass(frozen=True)
class Writing:
    """One way to escape a value. `unit` matches one character of it as it is written, escaped or not."""

    unit: str
    write: Callable[[str], str]
    read: Callable[[str], str]
    """Raises ValueError."""
    tolerated: str = r"(?!)"
    """What others leave as it is, and so is read, unless it is what follows."""


def _to_percent(value: str) -> str:
    return "".join(chr(byte) if re.match(rb"[A-Za-z0-9._~-]", bytes([byte])) else f"%{byte:02X}" for byte in value.encode())


def _from_percent(text: str) -> str:
    return re.sub(rb"%(..)", lambda code: bytes.fromhex(code[1].decode()), text.encode()).decode()


def _to_base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _from_base64(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


def _to_json(value: str) -> str:
    """What stands between the double quotes."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _from_json(text: str) -> str:
    return str(json.loads(f'"{text}"'))


def _to_pem(value: str) -> str:
    try:
        from rotation.core.pem import to_pem  # only a stack whose source makes signing keys has the library
    except ModuleNotFoundError:
        raise ValueError from None
    return to_pem(value)


def _from_pem(text: str) -> str:
    try:
        from rotation.core.pem import from_pem
    except ModuleNotFoundError:
        raise ValueError from None
    return from_pem(text)


WRITINGS = {
    # encodeURIComponent of JavaScript leaves these five; a plus is refused, since some read it as a space
    "url": Writing(r"[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2}", _to_percent, _from_percent, r"[!'()*]"),
    "base64": Writing(r"[A-Za-z0-9+/=]", _to_base64, _from_base64),
    "json": Writing(r'[^"\\]|\\.', _to_json, _from_json),
    "pem": Writing(r"[A-Za-z0-9+/= \r\n-]", _to_pem, _from_pem),
}
AS_IT_IS = Writing(ANY, str, str)


def tried(act: Callable[[str], str], text: str) -> str | None:
    """None instead of an error, which would carry the text."""
    try:
        value = act(text)
        value.encode()
    except ValueError:
        return None
    return value
