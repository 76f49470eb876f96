"""The living world with keys that a person makes: the provider takes what it has issued until somebody revokes it there, and nobody
in a rotation can change that. One person handed a second key in before it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from rotation.core.by_hand import handed_in, to_revoke
from rotation.core.model import CURRENT, PENDING, STAGING, Credential, Password, Slot
from rotation.core.record import Record
from rotation.core.seen import Activity, Server, SessionId
from rotation.kinds.target import Source as SourceOf
from rotation.protocol.handing_in import put_for_person, swapped_for_person
from rotation.sources.by_hand.adapter import ByHand, Nobody

from local import secret_labels as aws
from tests.faults.laws.violation import Violation
from tests.worlds.invocation import Database, Ports
from tests.worlds.living import FUNCTION_SECONDS, LivingDatabase, LivingWorld
from tests.worlds.world import PASSWORDS, USERS

TRY = {"url": "https://provider.example/me", "header": "Authorization", "value": "Bearer {key}", "works": [200], "refused": [401]}
THIRD = "canary-of-a-third-key-9a07T"


class Provider(LivingDatabase):
    """It has no sessions, counts nothing, and is not told what to do."""

    def logs_in(self, credential: Credential) -> bool:
        if credential.password.is_empty:
            raise Violation("issued", "an empty key was tried")
        return super().logs_in(credential) or credential.password.reveal() == THIRD


class Source(Database):
    """The port: who is accepted is one boundary each; all else is the shipped adapter's."""

    _shipped = ByHand({})

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[Any]:
        yield Nobody()

    def activity(self, admin: Credential, username: str) -> Activity:
        return self._shipped.activity(admin, username)

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        return replace_now(self._shipped.inspect(admin, users))

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        return self._shipped.sessions(admin, username)


def replace_now(server: Server) -> Server:
    """Whatever the clock says, twice the same."""
    return server._replace(now=0.0)


class ByHandPorts(Ports):
    def __init__(self, invocation: Any) -> None:
        super().__init__(invocation)
        self.source = Source(invocation)


class ByHandWorld(LivingWorld):
    """`next_key`: what was handed in; empty: nothing was."""

    databases = Provider

    def __init__(self, next_key: str = PASSWORDS[Slot.B], *, slow: bool = False, eager: bool = False) -> None:
        """`slow`: somebody who hands another key in has looked before the run began. `eager`: he tries all the while."""
        self._next_key = next_key
        super().__init__(two_values=True, counts_logins=False)
        self.ports = ByHandPorts
        self.target = replace(self.target, source=SourceOf("by-hand", {"try": TRY}), admin_secret="", rotates_admin=False)
        if slow:
            looked_and_put(self)
        self.others = swaps_late if slow else hands_in_meanwhile if eager else None

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        """Every key that was issued is accepted, for good."""
        self.source.accounts[USERS[Slot.A]].old = PASSWORDS[Slot.B] if self._next_key else None
        content = json.loads(self.slots.versions["v0"]["secret_string"])
        content["B"]["password"] = self._next_key
        self.slots.versions["v0"]["secret_string"] = json.dumps(content)

    def accepts(self, user: Credential) -> bool:
        return super().accepts(user) or user.password.reveal() == THIRD

    def heal(self) -> None:
        """A run that is refused takes no time; between two of them some passes, but less than a call may live."""
        super().heal()
        self.pass_time(FUNCTION_SECONDS / 2)

    @property
    def issued(self) -> set[str]:
        """All that the provider ever made."""
        return {*PASSWORDS.values(), THIRD}

    def recorded(self) -> Iterator[Record]:
        """What each version says that has a label which means something."""
        labelled = [name for name, one in self.slots.versions.items() if set(one["version_stages"]) - {STAGING}]
        return (Record.parse(self.slots.read(name), "slots") for name in labelled)


def reminders(world: LivingWorld) -> set[str]:
    return {one.key.reveal() for one in to_revoke(world.current)}


# ---- a person who hands another key in, and is slow ------------------------------------------------------------------------


def looked_and_put(world: ByHandWorld) -> None:
    """He has looked, and put his version; the swap is still to come."""
    change = partial(handed_in, key=Password(THIRD), key_id="", replace=True)
    put_for_person(world.slots, change, "a person")


def swaps_late(world: ByHandWorld) -> None:
    """As if his look for an intent had been long ago: in the middle of a run, before its flip."""
    staged = next((name for name, one in world.slots.versions.items() if THIRD in one["secret_string"]), None)
    if staged and aws.holder_of(world.slots.versions, PENDING) and aws.holder_of(world.slots.versions, CURRENT) == "v0":
        aws.move(world.slots.versions, CURRENT, staged, "v0")


def hands_in_meanwhile(world: ByHandWorld) -> None:
    """He tries whenever time has passed, as the command does: beside an intent he is refused."""
    from rotation.core.errors import RotationError

    change: Callable[[Record], Record] = partial(handed_in, key=Password(THIRD), key_id="", replace=True)
    try:
        staged = put_for_person(world.slots, change, "a person")
        if staged is not None:
            swapped_for_person(world.slots, *staged)
    except RotationError:
        return
