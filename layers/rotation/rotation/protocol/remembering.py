"""One secret as one call of a function sees it: a version's text never changes, so it is asked for once. Labels move: they are
looked at each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.core.model import Labels, SecretText, Version
    from rotation.ports import SecretStore


class Remembering:
    """A SecretStore over another; made anew for each call of a function."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._texts: dict[str, SecretText] = {}

    @property
    def name(self) -> str:
        return self._store.name

    def labels(self) -> Labels:
        return self._store.labels()

    def current(self) -> Version:
        found = self._store.current()
        self._texts[found.id] = found.text
        return found

    def pending(self) -> Version | None:
        found = self._store.pending()
        if found is not None:
            self._texts[found.id] = found.text
        return found

    def read(self, version: str) -> SecretText:
        if version not in self._texts:
            self._texts[version] = self._store.read(version)
        return self._texts[version]

    def age_seconds(self, version: str) -> float:
        return self._store.age_seconds(version)

    def put_once(self, version: str, text: SecretText) -> SecretText:
        self._texts[version] = self._store.put_once(version, text)
        return self._texts[version]

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        return self._store.swap(label, to=to, removed_from=removed_from)
