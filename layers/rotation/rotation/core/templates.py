"""All that one consumer holds, as templates over named fields, by key: rendered from values, and read back into them.

{"mysql-user": "{username}", "mysql-password": "{password}"}
{"DATABASE_URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotation.core import template
from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.fields import LOGIN, PARTS, Fields, Values
from rotation.core.model import Password, SecretText

if TYPE_CHECKING:
    from rotation.core.template import Template


@dataclass(frozen=True)
class Templates:
    """One for each key."""

    by_key: Mapping[str, Template]
    known: Fields

    @property
    def fields(self) -> frozenset[str]:
        """Those that can be read back."""
        return frozenset(field for one in self.by_key.values() for field in one.fields)

    def render(self, values: Values) -> dict[str, SecretText]:
        """TargetInvalid where a value has no place in its template."""
        rendered = {}
        for key, one in self.by_key.items():
            try:
                rendered[key] = SecretText(one.render(values))
            except TargetInvalid as error:
                raise TargetInvalid(f"template {key} {error}") from None
        return rendered

    def read(self, texts: Mapping[str, Password]) -> Values:
        """The inverse; keys that have no template are left alone. SecretInvalid where a text is not what its template renders."""
        found: dict[str, tuple[str, str]] = {}
        for key, field, value in self._read(texts):
            first, before = found.setdefault(field, (key, value))
            if before != value:
                raise SecretInvalid(f"{first} and {key} hold two values of {field}. Let both hold the one that works")
        secret = {field: Password(value) for field, (_, value) in found.items() if self.known[field].secret}
        return Values({field: value for field, (_, value) in found.items() if field not in secret}, secret)

    def _read(self, texts: Mapping[str, Password]) -> Iterator[tuple[str, str, str]]:
        for key, one in self.by_key.items():
            if key not in texts:
                raise SecretInvalid(f"{key} is missing")
            try:
                pairs = one.read(texts[key].reveal())
            except SecretInvalid as error:
                raise SecretInvalid(f"{key} {error}. Correct the text or the template") from None
            yield from ((key, field, value) for field, value in pairs)


def parse(texts: Mapping[str, str], known: Fields = LOGIN) -> Templates:
    """TargetInvalid, naming the template and the way out, where what it renders could not be read back."""
    by_key = {}
    for key, text in texts.items():
        try:
            by_key[key] = template.parse(text, known)
        except TargetInvalid as error:
            raise TargetInvalid(f"template {key}: {error}") from None
    templates = Templates(by_key, known)
    for field in _lacking(templates.fields, known):
        raise TargetInvalid(f"no template of {', '.join(texts) or 'this consumer'} writes {{{field}}}. One has to")
    return templates


def _lacking(written: frozenset[str], known: Fields) -> Iterator[str]:
    """Of each secret that no template writes, neither whole nor in parts."""
    in_parts = {part for parts in PARTS.values() for part in parts}
    for field, one in known.items():
        if one.secret and field not in in_parts and field not in written:
            parts = PARTS.get(field, ())
            lacking = [part for part in parts if part not in written]
            if len(lacking) == len(parts):
                yield field
            yield from lacking if len(lacking) < len(parts) else ()
