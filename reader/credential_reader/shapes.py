"""What a file or a variable says: a bare password, or a JSON document with a user name and a password."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_UTF_8 = "not UTF-8"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""What Python makes of bytes that are no text. A driver's error about it would hold the password."""


@dataclass(frozen=True)
class Login:
    """Its repr hides the password."""

    username: str
    password: str = field(repr=False)


class Unusable(Exception):
    """No login can be made of it; the message says why, and nothing of what it says."""


@dataclass(frozen=True)
class Shape:
    """`username` is whose a bare password is, and that of a document without one."""

    username: str = ""
    username_key: str = "username"
    password_key: str = "password"  # noqa: S105 - the key's name

    def login(self, text: str) -> Login:
        """Of a text without its last line end: that is an editor's or `echo`'s, all other blanks belong to the password."""
        bare = re.sub(r"\r?\n\Z", "", text)
        document = _document(bare)
        if document is None:
            return self._whole(self.username, bare)
        if self.password_key not in document:
            raise Unusable(f"a JSON document without the key {self.password_key!r}")
        return self._whole(document.get(self.username_key, self.username), document[self.password_key])

    def _whole(self, username: object, password: object) -> Login:
        if not isinstance(username, str) or not isinstance(password, str):
            raise Unusable("a user name or password that is not a text")
        if not password:
            raise Unusable("empty")
        if not username:
            raise Unusable("no user name: neither there nor given to the reader")
        if _SURROGATE.search(username + password):
            raise Unusable(NOT_UTF_8)
        return Login(username, password)


def _document(text: str) -> Mapping[str, Any] | None:
    """None: it is no JSON object, so it is a password."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
