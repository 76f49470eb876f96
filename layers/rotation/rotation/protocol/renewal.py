"""Since when a target's password is what it is: read from the versions of its record, which say who made them and from what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.errors import SecretInvalid, SecretVersionMissing
from rotation.core.model import PENDING, Labels, RotationStep, RotationTag
from rotation.core.record import Record
from rotation.protocol.intents import ATTEMPTS, read_record, version_id
from rotation.protocol.remembering import Remembering

if TYPE_CHECKING:
    from rotation.core.model import SecretText, Version
    from rotation.ports import DatedStore, SecretStore

ANCESTORS = 5
"""How many versions are followed back: a rollback puts one between the last rotation and now."""


def since_success(store: SecretStore) -> float:
    """Seconds since a retirement was put that came to be current; where none did, since the oldest version that is known.

    The version itself tells, by its id: a rollback writes a newer one with the tag of the last rotation, and so may a person.
    One that a person put without our tag, as Terraform does when it makes its version anew, has not renewed anything either.
    """
    labels = store.labels()
    version, age = labels.current, 0.0
    for _ in range(ANCESTORS):
        tag = tag_of(store, version)
        own_age = store.age_seconds(version)
        age = max(age, own_age)
        if tag is None and version == labels.current and labels.previous is not None:
            version = labels.previous
            continue
        if tag is None:
            break
        if tag.step is RotationStep.RETIRE:
            retired = [version_id(store.name, tag.made_from, tag.owner, tag.step, n) for n in range(ATTEMPTS)]
            return own_age if version in retired else _age_of_retirement(store, retired, age)
        if not _exists(store, tag.made_from):
            break
        version = tag.made_from
    return age


def tag_of(store: SecretStore, version: str) -> RotationTag | None:
    """None also of a version that is no record of ours: somebody may have put one, and another over it."""
    try:
        return read_record(store, version).tag
    except SecretInvalid:
        return None


def _age_of_retirement(store: SecretStore, versions: list[str], otherwise: float) -> float:
    ages = [store.age_seconds(version) for version in versions if _exists(store, version)]
    return min(ages) if ages else otherwise


def _exists(store: SecretStore, version: str) -> bool:
    """AWS drops versions without a label some time."""
    try:
        store.age_seconds(version)
    except SecretVersionMissing:
        return False
    return True


class FirstLook(Remembering):
    """A record by one call: of a target that was rotated and is at rest that tells all. What more is asked for is looked at."""

    def __init__(self, store: DatedStore) -> None:
        super().__init__(store)
        self._dated = store
        self.version, self._age = store.current_dated()

    @property
    def record(self) -> Record:
        """SecretInvalid where it is none."""
        return Record.parse(self.version.text, self.name)

    @property
    def unfinished(self) -> RotationTag | None:
        """Of a flip that landed, and whose old credential is still valid. (An intent that has not flipped is on another version,
        and found when its target's turn comes.)"""
        tag = self.record.tag
        return tag if tag is not None and (tag.step is RotationStep.FLIP or PENDING in self.version.labels) else None

    @property
    def age(self) -> float:
        """Of what is current, in seconds."""
        return self._age

    def labels(self) -> Labels:
        if self.record.tag is None:
            return self._dated.labels()
        return Labels(self.version.id, self.version.id if PENDING in self.version.labels else None)

    def current(self) -> Version:
        return self.version

    def read(self, version: str) -> SecretText:
        return self.version.text if version == self.version.id else super().read(version)

    def age_seconds(self, version: str) -> float:
        return self._age if version == self.version.id else super().age_seconds(version)
