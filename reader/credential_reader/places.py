"""Where a login may be: files, the newest first, then the environment."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from credential_reader.shapes import NOT_UTF_8, Login, Shape, Unusable

_VERSION = re.compile(r"_v(\d+)$", re.ASCII)
_NOT_OF_A_VARIABLE = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True)
class Found:
    place: str
    login: Login


@dataclass(frozen=True)
class Reading:
    """What all places said at one moment. A login that two places have is there once, as the newer one's."""

    found: tuple[Found, ...]
    unusable: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Of what is called `name` in `folder`, and `variable` in the environment."""

    name: str
    folder: Path
    variable: str

    @staticmethod
    def variable_of(name: str) -> str:
        """`shop-db.password` is SHOP_DB_PASSWORD there."""
        return _NOT_OF_A_VARIABLE.sub("_", name.upper())

    def read(self, environment: Mapping[str, str], shape: Shape) -> Reading:
        found: dict[Login, str] = {}
        unusable = []
        for place, text in self._texts(environment):
            login = _login(text, shape)
            if isinstance(login, Login):
                found.setdefault(login, place)
            else:
                unusable.append(f"{place}: {login}")
        if self.variable not in environment:
            unusable.append(f"${self.variable}: not set")
        return Reading(tuple(Found(place, login) for login, place in found.items()), tuple(unusable))

    def files(self, environment: Mapping[str, str]) -> list[Path]:
        """The newest first: by the version's number, whoever names the file; without a number, by who names it."""
        named = [
            (environment.get(f"{self.variable}_FILE_NEW"), math.inf),
            *((str(path), 0) for path in self._versions()),
            (environment.get(f"{self.variable}_FILE"), -1),
            (str(self.folder / self.name), -1),
        ]
        ages = [(_age(path, otherwise), Path(path)) for path, otherwise in named if path]
        return list(dict.fromkeys(path for _, path in sorted(ages, key=lambda one: one[0], reverse=True)))

    def _texts(self, environment: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        for path in self.files(environment):
            yield str(path), partial(_text, path)
        if self.variable in environment:
            yield f"${self.variable}", partial(str, environment[self.variable])

    def _versions(self) -> list[Path]:
        try:
            there = list(self.folder.iterdir())
        except OSError:
            return []
        return [path for path in there if _VERSION.sub("", path.name) == self.name != path.name]


def _age(path: str, otherwise: float) -> float:
    numbered = _VERSION.search(path)
    return int(numbered.group(1)) if numbered else otherwise


def _text(path: Path) -> str:
    """As it is: read as a text, its line ends would be others."""
    return path.read_bytes().decode()


def _login(text: Callable[[], str], shape: Shape) -> Login | str:
    """Or why there is none."""
    try:
        return shape.login(text())
    except OSError as error:
        return error.strerror or type(error).__name__
    except UnicodeDecodeError:
        return NOT_UTF_8
    except Unusable as why:
        return str(why)
