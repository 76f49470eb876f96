"""Source of keys that a person makes: they can be tried, at the most."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rotation.core.errors import SourceRefused, TargetInvalid
from rotation.core.seen import Activity, Server, SessionId
from rotation.sources.by_hand.kind import HOSTS, host_of
from rotation.sources.by_hand.trial import accepted

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, here: Surroundings) -> ByHand:
    """As the target names it. No host is shown a key that the stack does not name."""
    if "try" in settings and host_of(settings["try"]) not in here.api_hosts:
        named = ", ".join(sorted(here.api_hosts)) or "none"
        raise TargetInvalid(
            f"source.try {host_of(settings['try'])}: this stack asks no other host than {named} (parameter {HOSTS})"
        )
    return ByHand(settings)


class ByHand:
    """A key that cannot be tried is taken for one that works: a person has said so by handing it in."""

    def __init__(self, settings: Settings) -> None:
        self._how = settings.get("try")

    def logs_in(self, credential: Credential) -> bool:
        if credential.password.is_empty:
            return False
        return self._how is None or accepted(self._how, credential.password)

    def refuses(self, credential: Credential) -> bool:
        """One that cannot be tried is never known to be refused."""
        return self._how is not None and not self.logs_in(credential)

    def settles_in(self) -> float:
        return 0.0

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[Nobody]:
        yield Nobody()

    def activity(self, admin: Credential, username: str) -> Activity:
        return NOT_SEEN

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        return Server("", "", (), (), dual_passwords=True, counts_logins=False, ends_sessions=True, now=time.time())

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        return []

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        """There are none that anybody here could end."""


NOT_SEEN = Activity(0, None)
"""Who uses a key, nobody here sees."""


class Nobody:
    """In the place of an admin: whatever would make, change or revoke a key is a person's to do."""

    dual_passwords = True

    def activity(self, username: str) -> Activity:
        return NOT_SEEN

    def exists(self, username: str) -> bool:
        return True

    def create_user(self, credential: Credential, like: Credential) -> None:
        raise _for_people(credential.username)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        return False

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        raise _for_people(username)

    def discard_old_password(self, username: str, keep: Password) -> None:
        raise _for_people(username)

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        """It is valid since a person made it."""
        return False

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        """It stays valid until a person revokes it."""
        return False


def _for_people(username: str) -> SourceRefused:
    return SourceRefused(
        f"a key of {username} is made and revoked by a person, where it was issued: `rotation hand-in` takes a new one"
    )
