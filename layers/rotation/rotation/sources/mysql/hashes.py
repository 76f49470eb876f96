"""Whether a password is the one of a hash in `mysql.user`, computed here: no login says which of two passwords it used.

`caching_sha2_password` stores `$A$005$`, a salt of twenty bytes and a digest: SHA-crypt of Ulrich Drepper, which cuts its salt
after sixteen; MySQL's does not. `mysql_native_password` stores SHA-1 of SHA-1.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha1, sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.core.model import Password

PLUGINS = ("caching_sha2_password", "mysql_native_password")

_SHA2 = re.compile(r"\$A\$(?P<thousands>[0-9A-F]{3})\$(?P<salt>[^$]{20})(?P<digest>[./0-9A-Za-z]{43})")
_NATIVE = re.compile(r"\*[0-9A-F]{40}")
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ORDER = (
    (0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14),
    (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29),
)  # fmt: skip


def is_of(password: Password, stored: str, plugin: str) -> bool | None:
    """None: not known, since the plugin or the form of what is stored is unknown."""
    if plugin not in PLUGINS:
        return None
    if not stored:
        return not password.reveal()  # the account has no password
    if plugin == "mysql_native_password":
        return _same(_double_sha1(password), stored) if _NATIVE.fullmatch(stored) else None
    parts = _SHA2.fullmatch(stored)
    if parts is None:
        return None
    digest = sha256_crypt(password.reveal().encode(), parts["salt"].encode(), int(parts["thousands"], 16) * 1000)
    return _same(digest, parts["digest"])


def sha256_crypt(key: bytes, salt: bytes, rounds: int) -> str:
    """Its steps as Drepper numbers them; https://www.akkadia.org/drepper/SHA-crypt.txt."""
    b = sha256(key + salt + key).digest()  # 4 to 8
    bits = (b if len(key) >> bit & 1 else key for bit in range(len(key).bit_length()))
    a = sha256(key + salt + _cut(b, len(key)) + b"".join(bits)).digest()  # 1 to 3, 9 to 12
    p = _cut(sha256(key * len(key)).digest(), len(key))  # 13 to 16
    s = _cut(sha256(salt * (16 + a[0])).digest(), len(salt))  # 17 to 20
    for number in range(rounds):  # 21
        first, last = (p, a) if number & 1 else (a, p)
        a = sha256(first + (s if number % 3 else b"") + (p if number % 7 else b"") + last).digest()
    return _encoded(a)


def _cut(digest: bytes, length: int) -> bytes:
    """As many bytes, of the digest again and again."""
    return (digest * (length // len(digest) + 1))[:length]


def _encoded(a: bytes) -> str:
    """22: three bytes are four characters, the lowest bits first."""
    groups = [(a[x] << 16 | a[y] << 8 | a[z], 4) for x, y, z in _ORDER]
    groups.append((a[31] << 8 | a[30], 3))
    return "".join(_ALPHABET[value >> 6 * place & 63] for value, width in groups for place in range(width))


def _double_sha1(password: Password) -> str:
    once = sha1(password.reveal().encode(), usedforsecurity=False).digest()
    return "*" + sha1(once, usedforsecurity=False).hexdigest().upper()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)
