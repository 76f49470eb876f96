"""Keys that people make: one is handed in, and one is said, or tried, to be revoked. The key goes from the terminal into the record
and nowhere else: no message names it, and of what AWS says of a put only the code is told."""

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from rotation.core.by_hand import handed_in, to_revoke
from rotation.core.by_hand import withdrawn as without
from rotation.core.errors import RotationAlreadyRunning, RotationError, SecretInvalid, SituationChanged, TargetInvalid
from rotation.core.model import CURRENT, LAST, PENDING, STAGING, Labels, Password, SecretText, Slot, Version
from rotation.core.record import SAID, TRIED, VALUES, Outstanding, Record
from rotation.kinds.target import Target
from rotation.protocol.handing_in import changed_by_person
from rotation.sources.by_hand.trial import accepted

from rotation_cli.aws import NotPermitted, Refused
from rotation_cli.stack import Stack
from rotation_cli.targets import parsed
from rotation_cli.trouble import Trouble

LONGEST = 8192
GONE = "ResourceNotFoundException"


class KeyRecord:
    """A target's record as a person changes it: the same acts as a function's, over the command's own way to AWS."""

    def __init__(self, stack: Stack, secret: str) -> None:
        self._aws, self._secret = stack.aws, secret

    @property
    def name(self) -> str:
        return self._secret

    def labels(self) -> Labels:
        versions = {label: version for version, labels in self._described().items() for label in labels}
        if CURRENT not in versions:
            raise Trouble(f"{self._secret} holds nothing yet: store the key in use with `rotation hand-in --in-use` first")
        return Labels(versions[CURRENT], versions.get(PENDING), versions.get(LAST))

    @property
    def is_empty(self) -> bool:
        return not any(CURRENT in labels for labels in self._described().values())

    def read(self, version: str) -> SecretText:
        text = self._aws.call("secretsmanager", "get_secret_value", SecretId=self._secret, VersionId=version).get("SecretString")
        if not isinstance(text, str):
            raise Trouble(f"{self._secret} holds no text: put its JSON as SecretString")
        return SecretText(text)

    def current(self) -> Version:
        version = self.labels().current
        return Version(version, self.read(version), frozenset({CURRENT}))

    def put_once(self, version: str, text: SecretText, *labels: str) -> SecretText:
        """Of a refusal only the code: AWS's own words could quote what was put."""
        given = {"ClientRequestToken": version, "VersionStages": list(labels or (STAGING,))}
        try:
            self._aws.call("secretsmanager", "put_secret_value", SecretId=self._secret, SecretString=text.reveal(), **given)
        except NotPermitted:
            raise
        except Refused as error:
            raise Trouble(f"secretsmanager:PutSecretValue was refused ({error.code}): nothing was changed") from None
        return self.read(version)

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        moved = {"MoveToVersionId": to, "RemoveFromVersionId": removed_from}
        given = {key: value for key, value in moved.items() if value is not None}
        try:
            self._aws.call("secretsmanager", "update_secret_version_stage", SecretId=self._secret, VersionStage=label, **given)
        except NotPermitted:
            raise
        except Trouble:
            return self.labels().current == to
        return True

    def _described(self) -> dict[str, list[str]]:
        try:
            described = self._aws.call("secretsmanager", "describe_secret", SecretId=self._secret)
        except Refused as error:
            if error.code == GONE:
                raise Trouble(f"there is no secret {self._secret}: make it, empty, and tag it as docs/by-hand.md says") from None
            raise
        found: dict[str, list[str]] = described.get("VersionIdsToStages", {})
        return found


def target_of(stack: Stack, name: str) -> Target:
    """One whose keys people make."""
    target = parsed(name, stack.target(name))
    if not target.source.known.by_hand:
        raise Trouble(
            f"{name}: a {target.source.kind} makes its credentials itself: `rotation start --target {name}` is all it takes"
        )
    return target


def asked_for(target: str, *, stdin: bool) -> Password:
    """The key, from a terminal without echo, or the whole of stdin but for one line end."""
    if stdin:
        text = sys.stdin.read(LONGEST + 2).removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        text = getpass.getpass(f"The new key of {target} (it is not shown): ")
    else:
        raise Trouble("hand-in asks for the key, and nobody can answer here: give it with --stdin")
    if not text:
        raise Trouble("no key was given: nothing was changed")
    if text != text.strip():
        raise Trouble("the key begins or ends with a blank or a line end: copy it anew. Nothing was changed")
    if len(text) > LONGEST:
        raise Trouble(f"the key is longer than {LONGEST} characters: is it one? Nothing was changed")
    return Password(text)


def store_next(stack: Stack, target: Target, key: Password, key_id: str, *, replace: bool) -> str:
    """The key as the record's next one; what is to be said of it besides. Trouble where it is no new one, or does not work."""
    record = KeyRecord(stack, target.slot_secret)
    said = _tried(stack, target, key)
    change = partial(handed_in, key=key, key_id=key_id, replace=replace)
    _changed(target, record, lambda before: _fitting(target, change(before)))
    return said


def store_first(stack: Stack, target: Target, key: Password, key_id: str, name: str) -> str:
    """The record of a target that has none: the key in use, and an empty entry for the next."""
    record = KeyRecord(stack, target.slot_secret)
    if not record.is_empty:
        raise Trouble(f"{target.slot_secret} holds a record already: leave --in-use out")
    said = _tried(stack, target, key)
    entry = {"username": name, "password": key.reveal(), **({"id": key_id} if key_id else {})}
    raw = {"active_slot": str(Slot.A), "turns": VALUES, "A": entry, "B": {"username": name, "password": ""}}
    text = _fitting(target, Record(raw)).text()
    record.put_once(_token(), text, CURRENT)
    return said


def _token() -> str:
    """A version of its own."""
    return os.urandom(16).hex()


def _fitting(target: Target, record: Record) -> Record:
    """Every consumer can be given it; else a run would find that out."""
    for place, consumer in enumerate(target.consumers):
        for slot in record.ring:
            login = record.credential(slot)
            if not login.password.is_empty:
                try:
                    consumer.known.fits(consumer.settings, login)
                except TargetInvalid as error:
                    raise Trouble(f"{target.name}: consumers[{place}].{error}. Nothing was changed") from None
    return record


def _tried(stack: Stack, target: Target, key: Password) -> str:
    how = _way_to_try(stack, target)
    if how is None:
        return "it cannot be tried (the target says no source.try)"
    try:
        works = accepted(how, key)
    except SecretInvalid:
        raise Trouble("the key holds a character that no header may: copy it anew. Nothing was changed") from None
    except RotationError as error:
        return f"it could not be tried from here ({error}); the run tries it"
    if not works:
        raise Trouble(
            "this key is refused where it is tried: is it complete, active, and of the right account? Nothing was changed"
        )
    return "it was tried, and works"


def _way_to_try(stack: Stack, target: Target) -> dict[str, Any] | None:
    """No host is shown a key that the stack does not name."""
    how: dict[str, Any] | None = target.source.settings.get("try")
    for said in target.source.known.beyond(target.source.settings, stack.parameters()) if how else ():
        raise Trouble(f"{target.name}: {said}. Nothing was changed")
    return how


def _changed(target: Target, record: KeyRecord, change: Any) -> Record:
    try:
        return changed_by_person(record, change, f"a person {os.urandom(8).hex()}")
    except (RotationAlreadyRunning, SituationChanged) as error:
        raise Trouble(str(error)) from None
    except SecretInvalid as error:
        raise Trouble(f"{target.slot_secret} holds no record of keys: {error}") from None
    except RotationError as error:
        raise Trouble(f"{target.name}: {error}") from None


# ---- revoked -----------------------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What came of one reminder."""

    key: Outstanding
    done: str
    """How it is known to be revoked; empty where it is not."""
    said: str
    """For people."""


def outstanding(stack: Stack, target: Target) -> tuple[Outstanding, ...]:
    """The keys that people are still to revoke."""
    return to_revoke(_record(stack, target))


def _record(stack: Stack, target: Target) -> Record:
    try:
        return Record.parse(KeyRecord(stack, target.slot_secret).current().text, target.slot_secret)
    except SecretInvalid as error:
        raise Trouble(str(error)) from None


def named(key: Outstanding) -> str:
    """How messages call it."""
    return f"{key.id or 'the key without an id'}, unused since {key.since}"


def asked(stack: Stack, target: Target, keys: Sequence[Outstanding], *, said: bool) -> Iterator[Asked]:
    """Each is tried, where that is possible. `said`: a person says that it is revoked."""
    how = _way_to_try(stack, target) if keys and not said else None
    for key in keys:
        if said:
            yield Asked(key, SAID, "taken for revoked: you say so")
            continue
        if how is None:
            yield Asked(key, "", "it cannot be tried: say that it is revoked with --said")
            continue
        try:
            works = accepted(how, key.key)
        except RotationError as error:
            yield Asked(key, "", f"it could not be tried ({error}): try again, or say with --said that it is revoked")
            continue
        yield Asked(key, "" if works else TRIED, "STILL ACCEPTED: revoke it where it was made" if works else "refused")


def take_away(stack: Stack, target: Target, found: Sequence[Asked]) -> None:
    """The reminders of those that are revoked, and their keys with them; who said so is kept."""
    done = [(one.key, one.done) for one in found if one.done]
    if done:
        today = datetime.now(UTC).date().isoformat()
        change = partial(without, keys=done, day=today, by=stack.caller.arn)
        _changed(target, KeyRecord(stack, target.slot_secret), change)
