"""New passwords: at least 256 bits, every class a policy may ask for, nothing that a consumer could trip over."""

import math
import secrets
import string
from collections.abc import Callable

from rotation.core.model import Password

SLOT_ALPHABET = string.ascii_letters + string.digits + "-_."
"""Safe unquoted in PHP, shells, URLs, YAML and MySQL option files."""
SLOT_LENGTH = 43

ADMIN_ALPHABET = string.ascii_letters + string.digits + "-_.!#%*+,:=?^~|()"
"""RDS refuses / " @ and space in a master password; quotes, backslash, $ and ` trip over in shells."""
ADMIN_LENGTH = 41
"""The longest that RDS takes for a master user."""

Choose = Callable[[str], str]


def slot_password(choose: Choose = secrets.choice) -> Password:
    """A password for an application user."""
    return _password(SLOT_ALPHABET, SLOT_LENGTH, choose)


def admin_password(choose: Choose = secrets.choice) -> Password:
    """A password for the database's master user."""
    return _password(ADMIN_ALPHABET, ADMIN_LENGTH, choose)


def bits(alphabet: str, length: int) -> float:
    """How much a random text of that length over that alphabet has to be guessed."""
    return length * math.log2(len(alphabet))


def _password(alphabet: str, length: int, choose: Choose) -> Password:
    """Drawn anew until every class is in it: that keeps the draw uniform over the texts that qualify."""
    while True:
        text = "".join(choose(alphabet) for _ in range(length))
        if _has_every_class(text):
            return Password(text)


def _has_every_class(text: str) -> bool:
    """Upper, lower, digit and punctuation; not beginning with '-', which a command line takes for an option."""
    return (
        any(c.isupper() for c in text)
        and any(c.islower() for c in text)
        and any(c.isdigit() for c in text)
        and any(not c.isalnum() for c in text)
        and not text.startswith("-")
    )
