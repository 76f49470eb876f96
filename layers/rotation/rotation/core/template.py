"""One text with fields in it: parsed, rendered, and read backwards without guessing.

`postgresql://{username}:{password|url}@{host}:{port}/{dbname}`: what stands after | says how the value is escaped. A brace
that belongs to no field is written twice.

The rule that makes it readable: text after a field begins with a character that no character of the field's value, as it is
written there, begins with. Whatever breaks it is refused when it is parsed. No error shows a value or the text of a template,
where somebody may have put a password by mistake.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.fields import AS_IT_IS, WRITINGS, Fields, Values, Writing, tried

_TOKEN = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<field>[^{}]*)\}|(?P<stray>[{}])|[^{}]+")


@dataclass(frozen=True)
class _Spot:
    """One field in a template, how it is written there, and what its text matches."""

    field: str
    writing: Writing
    pattern: str

    def written(self, values: Values) -> str:
        value = values.text(self.field)
        if not value:
            raise TargetInvalid(f"needs {self.field}, which has no value")
        text = tried(self.writing.write, value)
        if text is None or not re.fullmatch(self.pattern, text):
            raise TargetInvalid(f"cannot hold this {self.field} as it is. Write {{{self.field}|url}}")
        return text

    def value(self, text: str) -> str:
        value = tried(self.writing.read, text)
        if not value:
            raise SecretInvalid(f"holds no {self.field} that can be read")
        return value


@dataclass(frozen=True)
class Template:
    """Literal, spot, literal, spot, …, literal."""

    _literals: Sequence[str] = field(repr=False)
    _spots: Sequence[_Spot]

    @property
    def fields(self) -> list[str]:
        return [spot.field for spot in self._spots]

    def render(self, values: Values) -> str:
        """TargetInvalid where a value has no place here."""
        return self._joined(self._literals, [spot.written(values) for spot in self._spots])

    def read(self, text: str) -> list[tuple[str, str]]:
        """Each field with its value, in their order. SecretInvalid where the text is not what `render` makes."""
        if not text and self._is_plain:
            return [(self._spots[0].field, "")]
        literals = [re.escape(literal) for literal in self._literals]
        found = re.fullmatch(self._joined(literals, [f"({spot.pattern})" for spot in self._spots]), text)
        if not found:
            raise SecretInvalid("is not written as its template says")
        return [(spot.field, spot.value(written)) for spot, written in zip(self._spots, found.groups(), strict=True)]

    @property
    def alone(self) -> str | None:
        """The field, where there is one and nothing else: the text is its value."""
        return self._spots[0].field if self._is_plain else None

    @property
    def _is_plain(self) -> bool:
        """One field and nothing else: the text is its value. An empty one is a login that does not work, and nothing misread."""
        return [*self._literals] == ["", ""] and self._spots[0].writing is AS_IT_IS

    @staticmethod
    def _joined(literals: Sequence[str], between: Sequence[str]) -> str:
        return "".join(literal + text for literal, text in zip(literals, [*between, ""], strict=True))


def parse(text: str, known: Fields, *, read_back: bool = True) -> Template:
    """TargetInvalid, with the way out, where what it renders could not be read back. What is only sent need not be."""
    literals, names = [""], []
    for token in _TOKEN.finditer(text):
        if token["stray"]:
            raise TargetInvalid(f"the brace at character {token.start() + 1} belongs to no field. A brace itself is written twice")
        if token["field"] is None:
            literals[-1] += token[0][0] if token["brace"] else token[0]
        else:
            names.append(_name(token, known))
            literals.append("")
    stops = _following(names, literals) if read_back else [""] * len(names)
    spots = [_spot(*name, known, following) for name, following in zip(names, stops, strict=True)]
    return Template(literals, spots)


def _name(token: re.Match[str], known: Fields) -> tuple[str, str]:
    """A field's name and the way it is written."""
    name, bar, way = token["field"].partition("|")
    place = f"the field at character {token.start() + 1}"
    if name not in known:
        there = ", ".join(f"{{{one}}}" for one in known)
        raise TargetInvalid(f"{place} is unknown. There are {there}. A brace itself is written twice")
    if bar and way not in WRITINGS:
        raise TargetInvalid(f"{place}, {name}, cannot be written in that way. After | there may be {', '.join(WRITINGS)}")
    return name, way


def _following(names: Sequence[tuple[str, str]], literals: Sequence[str]) -> Iterator[str]:
    """The character after each field; none after one that ends the text."""
    for index, (name, _) in enumerate(names):
        literal = literals[index + 1]
        if not literal and index + 1 < len(names):
            raise TargetInvalid(f"nothing stands between {{{name}}} and {{{names[index + 1][0]}}}. Put a separator there")
        yield literal[:1]


def _spot(name: str, way: str, known: Fields, stop: str) -> _Spot:
    writing = WRITINGS.get(way, AS_IT_IS)
    unit = known[name].unit if stop and not way else writing.unit
    if stop and _may_begin(unit, stop):
        ways = [f"{{{name}|{other}}}" for other, one in WRITINGS.items() if other != way and not _may_begin(one.unit, stop)]
        out = f"Write {' or '.join(ways)}" if ways else "Put another separator there"
        raise TargetInvalid(f"{name} may itself hold the {stop!r} that follows it. {out}")
    tolerated = f"(?!{re.escape(stop)}){writing.tolerated}" if stop else writing.tolerated
    return _Spot(name, writing, f"(?:{unit}|{tolerated})++")


def _may_begin(unit: str, character: str) -> bool:
    """Two digits complete what begins an escape."""
    return re.match(unit, character + "00") is not None
