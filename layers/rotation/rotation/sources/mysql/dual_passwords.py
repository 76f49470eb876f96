"""Two passwords of one MySQL user: which is the primary, and so what RETAIN and DISCARD would destroy.

    primary  secondary    ALTER USER ... IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD    ALTER USER ... DISCARD OLD PASSWORD
    old      none         new, old                                                       old, none
    new      old          new, new: the old one is lost                                  new, none: the old one is lost
    old      new          new, old                                                       old, none: the new one is lost

So both are asked first, under the database's lock and immediately before: RETAIN only where the password in use is the primary,
DISCARD only where it is, and neither where a secondary that we do not know would be lost: somebody may use it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rotation.core.errors import PrimaryUnknown, SecondaryUnknown
from rotation.sources.mysql.hashes import PLUGINS, is_of

if TYPE_CHECKING:
    from rotation.core.model import Password


class Place(StrEnum):
    """Where the server has a password."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class Stored:
    """What the server has of one account. The hashes do not show themselves: a weak password can be guessed from its hash."""

    account: str
    plugin: str
    primary: str = field(repr=False)
    secondary: str | None = field(repr=False, default=None)

    @classmethod
    def of(cls, account: str, plugin: str, authentication_string: str | None, user_attributes: str | None) -> Stored:
        """From the columns of `mysql.user`; the last is NULL of most accounts, and old servers and MariaDB lack it."""
        if authentication_string is None:
            raise PrimaryUnknown(f"{account}: authentication_string of mysql.user cannot be read: the primary password is unknown")
        return cls(account, plugin, authentication_string, _additional_password(account, user_attributes))

    def place(self, password: Password) -> Place:
        """Primary where it is both: RETAIN can be given the same password again. PrimaryUnknown where it cannot be computed."""
        if self._is(password, self.primary):
            return Place.PRIMARY
        return Place.SECONDARY if self.has_as_secondary(password) else Place.NOWHERE

    def has_as_secondary(self, password: Password) -> bool:
        return self.secondary is not None and self._is(password, self.secondary)

    def _is(self, password: Password, stored: str) -> bool:
        same = is_of(password, stored, self.plugin)
        if same is None:
            raise PrimaryUnknown(
                f"{self.account}: from what {self.plugin} stores it cannot be told which password is the primary; "
                f"it can with {' and '.join(PLUGINS)}. Change the account to one of them, or let two users take turns"
            )
        return same


def has_to_be_retained(stored: Stored, in_use: Password, new: Password) -> bool:
    """Whether `new` is still to be made beside the one in use; False where it is. Refused where that would destroy one."""
    place = stored.place(in_use)
    if place is not Place.NOWHERE and stored.place(new) is Place.PRIMARY:
        return False
    _check(stored, place, "RETAIN CURRENT PASSWORD", (in_use, new))
    return True


def has_to_be_discarded(stored: Stored, in_use: Password, old: Password) -> bool:
    """Whether the old password is still to be discarded; False where it is gone. Refused where that would destroy another."""
    _check(stored, stored.place(in_use), "DISCARD OLD PASSWORD", (in_use, old))
    return stored.secondary is not None


def _check(stored: Stored, place: Place, statement: str, known: Collection[Password]) -> None:
    if place is Place.NOWHERE:
        raise PrimaryUnknown(f"{stored.account}: the password in use is none of those that the server has. Somebody changed it")
    if place is Place.SECONDARY:
        raise PrimaryUnknown(f"{stored.account}: the password in use is the secondary one, and {statement} would destroy it")
    if stored.secondary is not None and not any(stored.has_as_secondary(password) for password in known):
        raise SecondaryUnknown(
            f"{stored.account} has a second password that the record does not know, and {statement} would destroy it. "
            f"Find out who uses it; then take it away with ALTER USER ... DISCARD OLD PASSWORD"
        )


def _additional_password(account: str, user_attributes: str | None) -> str | None:
    """The hash of the secondary. What else stands there (comments, restrictions) is not ours."""
    attributes = _json_object(user_attributes or "{}")
    secondary = None if attributes is None else attributes.get("additional_password")
    if attributes is None or not isinstance(secondary, str | None):
        raise PrimaryUnknown(f"{account}: User_attributes of mysql.user cannot be read: a secondary password is unknown")
    return secondary


def _json_object(text: str) -> dict[str, Any] | None:
    """None where it is none: the parser's error would carry the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
