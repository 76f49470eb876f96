"""The record and the target of an application, from what its secret and its proxy's secrets hold. Pure.

The secret names who takes turns, but holds one password: that of the user in use. The others' are in the proxy's secrets; a user
without one gets a new password with its first rotation, when nobody uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid
from rotation.core.model import Credential, Password, SecretText, Slot
from rotation.core.record import VALUES, Record, as_written

if TYPE_CHECKING:
    from rotation.consumers.app_secret.shape import Application

Make = Callable[[], Password]
ITS_OWN, NEW = "as the application's secret has it", "a new one, given to the user when nobody uses it"


@dataclass(frozen=True)
class Entry:
    """One slot of the record, and where its password is from."""

    slot: Slot
    credential: Credential
    origin: str


@dataclass(frozen=True)
class Imported:
    """What is to be stored."""

    entries: tuple[Entry, ...]
    active: Slot
    two_values: bool

    @property
    def record(self) -> Record:
        """As a person would have written it."""
        turns = {"turns": VALUES} if self.two_values else {}
        slots = {str(one.slot): as_written(one.credential) for one in self.entries}
        text = SecretText(json.dumps({"active_slot": str(self.active), **turns, **slots}))
        return Record.parse(text, "record")

    def is_made_by(self, record: Record) -> bool:
        """Whether that one is of the same users at the same place already, whatever their passwords by now."""
        own = self.record
        return (record.ring, record.two_values) == (own.ring, own.two_values) and all(
            replace(record.credential(slot), password=own.credential(slot).password) == own.credential(slot) for slot in own.ring
        )


def imported(
    secret: str, application: Application, proxies: Mapping[str, Credential], dual_passwords: bool, make: Make
) -> Imported:
    """`proxies`: by ARN, who is in each of the proxy's secrets. SecretInvalid, naming the key, where they do not fit together."""
    try:
        entries = tuple(_entries(application, proxies, dual_passwords, make))
    except SecretInvalid as error:
        raise SecretInvalid(f"secret {secret}: {error}") from None
    active = next(one.slot for one in entries if one.credential.username == application.login.username)
    return Imported(entries, active, len(application.users) == 1)


def _entries(application: Application, proxies: Mapping[str, Credential], dual_passwords: bool, make: Make) -> Iterator[Entry]:
    login = application.login
    if len(application.users) == 1:
        _refuse_one_user(application, dual_passwords)
        yield Entry(Slot.A, login, ITS_OWN)
        yield Entry(Slot.B, replace(login, password=make()), "the same user's next one, made by the first rotation")
        return
    held = _by_user(application, proxies)
    for slot, user in zip(Slot, application.users, strict=False):
        arn, password = held.get(user, (NEW, None))
        if user == login.username:
            yield Entry(slot, login, ITS_OWN)
        else:
            yield Entry(slot, replace(login, username=user, password=password or make()), arn)


def _refuse_one_user(application: Application, dual_passwords: bool) -> None:
    out = f"name a second user in rotation_usernames, or with --user; it is made like {application.login.username}"
    if application.proxies:
        raise SecretInvalid(f"one user alone cannot be rotated behind a proxy, which knows one password a user: {out}")
    if not dual_passwords:
        raise SecretInvalid(f"one user alone cannot be rotated where the server keeps one password a user: {out}")


def _by_user(application: Application, proxies: Mapping[str, Credential]) -> dict[str, tuple[str, Password]]:
    """Each user's proxy secret and password; none at all where there is no proxy."""
    found: dict[str, tuple[str, Password]] = {}
    for place, (arn, held) in enumerate(proxies.items()):
        if held.username not in application.users:
            raise SecretInvalid(
                f"proxy_secret_ids[{place}] names a user who takes no turns: take it out, or name its user in rotation_usernames"
            )
        if held.username in found:
            raise SecretInvalid(f"proxy_secret_ids[{place}] names the user of another one: give each user exactly one")
        found[held.username] = (f"as {arn} has it", held.password)
    without = [user for user in application.users if user not in found] if proxies else []
    if without:
        raise SecretInvalid(f"proxy_secret_ids has no secret of {', '.join(without)}: make one as the proxy wants it, and name it")
    login = application.login
    if proxies and found[login.username][1] != login.password:
        raise SecretInvalid("password is not what the proxy's secret of that user holds: let both hold the one that works")
    return found


def document(secret: str, proxies: Mapping[str, Credential], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The target of a stack with these parameters. No credential is in it."""
    kept = [{"kind": "proxy-secret", "secrets": list(proxies)}] if proxies else []
    readers = [host for host in parameters["ReaderHosts"].split(",") if host != "none"]
    pooled = {"pooled": True} if parameters["Pooled"] == "true" else {}
    source = {"kind": parameters["SourceKind"], "ca": _pem(parameters["DatabaseCa"]), "readers": readers, **pooled}
    reads = {"kind": "app-secret", "secret": secret, "application_cache_seconds": _seconds(parameters["ApplicationCacheSeconds"])}
    return {
        "slot_secret": parameters["SlotSecretArn"],
        "admin_secret": parameters["AdminSecretArn"],
        "source": source,
        "consumers": [*kept, reads],
        **_shown(parameters),
        "class": parameters["RotationClass"],
    }


def _shown(parameters: Mapping[str, str]) -> dict[str, Any]:
    """By what the application shows that it works."""
    shown: dict[str, Any] = {}
    if parameters["EndpointHost"] != "none":
        port = int(parameters["EndpointPort"])
        shown["endpoint"] = {"host": parameters["EndpointHost"], "port": port, "ca": _pem(parameters["EndpointCa"])}
    if parameters["HealthUrl"] != "none":
        health = {"url": parameters["HealthUrl"], "marker": parameters["HealthMarker"], "ca": _pem(parameters["HealthCa"])}
        shown["health"] = health
    return shown


def _pem(given: str) -> str:
    """Parameters hold a certificate's line ends as two characters."""
    return given.replace("\\n", "\n")


def _seconds(given: str) -> int | None:
    return None if given == "none" else int(given)
