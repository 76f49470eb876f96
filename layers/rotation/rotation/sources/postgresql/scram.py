"""What the server stores in place of a password (RFC 5803). Computed here, so that no statement, and no log, ever has the password.

PostgreSQL takes a verifier that is not well formed for a password, without a word: whoever sends one logs in with the password
before anything else counts.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256
from typing import TYPE_CHECKING

from scramp import ScramException
from scramp.utils import saslprep

from rotation.core.errors import PasswordRejected

if TYPE_CHECKING:
    from rotation.core.model import Password

ITERATIONS = 4096
"""PostgreSQL's own. More would slow every login down, and a guess at 256 bits is hopeless anyway."""
SALT_BYTES = 16


def verifier(password: Password, salt: bytes) -> str:
    """`SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`."""
    salted = pbkdf2_hmac("sha256", prepared(password).encode(), salt, ITERATIONS)
    stored = sha256(_keyed(salted, b"Client Key")).digest()
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(_keyed(salted, b'Server Key'))}"


def prepared(password: Password) -> str:
    """As every client would send it (SASLprep). Where clients differ, PasswordRejected: with some of them nobody could log in."""
    try:
        text: str = saslprep(password.reveal())
    except ScramException:
        text = ""
    if not text:
        raise PasswordRejected("the password is empty, or has characters that PostgreSQL's clients do not agree on") from None
    return text


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
