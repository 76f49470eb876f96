"""What stands in a TXT record: an answer to a challenge, or a mark, which says which order a rotation has made. Pure.

Several values may stand under one name. Whoever looks for an answer passes over those that are none, so a mark harms nobody, and
those of others are kept as they were written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

WORD = "credential-rotation"
"""With which a mark begins."""
_LONGEST = 255
"""Of one string in a TXT record; a longer value is several."""
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
"""One of those that a value consists of."""


class Mark(NamedTuple):
    """An order of ours. It stays as long as its certificate is valid: marks are the list of what we had issued."""

    name: str
    """Of which target and rotation it is."""
    order: str
    """Its URL."""
    change: str = ""
    """The change of the zone that was not yet known everywhere when a call had to end."""

    @property
    def value(self) -> str:
        return quoted(" ".join(part for part in (WORD, *self) if part))


def quoted(text: str) -> str:
    """As Route 53 writes a value. `text`: of plain letters, as URLs and base64url are."""
    return " ".join(f'"{text[at : at + _LONGEST]}"' for at in range(0, len(text), _LONGEST))


def marks(values: Iterable[str]) -> list[Mark]:
    """Those among them, whoever's."""
    texts = ("".join(STRING.findall(value)) for value in values)
    parts = [text.split(" ") for text in texts]
    return [Mark(*found[1:]) for found in parts if found[0] == WORD and len(found) in (3, 4)]


def challenged(name: str) -> str:
    """Where the answer for a name is looked for, as Route 53 writes names."""
    return f"_acme-challenge.{name.removeprefix('*.')}."
