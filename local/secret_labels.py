"""AWS's rules for the versions and staging labels of one secret, from its API text; pure.

moto accepts what AWS refuses: a label may end up on two versions, a used token overwrites its version, and after a
move of AWSCURRENT the old value is still read. The rotation's lock and write-ahead log *are* these rules.
"""

import time
from typing import Any

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
MOST_LABELS = 20
VALUES = ("secret_string", "secret_binary")

Version = dict[str, Any]
Versions = dict[str, Version]


class Refusal(Exception):
    """An error of the API; its code is the class that boto3 raises."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_found(what: str) -> Refusal:
    return Refusal("ResourceNotFoundException", f"Secrets Manager can't find the specified {what}.")


def token_used(version_id: str) -> Refusal:
    return Refusal(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {version_id} because that value is already in use for a version.",
    )


def invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterException", message)


def holder_of(versions: Versions, label: str) -> str | None:
    return next((name for name, version in versions.items() if label in version["version_stages"]), None)


def _detach(versions: Versions, label: str) -> str | None:
    holder = holder_of(versions, label)
    if holder:
        versions[holder]["version_stages"].remove(label)
    return holder


def attach(versions: Versions, label: str, version_id: str) -> None:
    """Moves a label, and with AWSCURRENT also AWSPREVIOUS, to the version that loses it."""
    if holder_of(versions, label) == version_id:
        return
    loser = _detach(versions, label)
    versions[version_id]["version_stages"].append(label)
    if label == CURRENT and loser:
        _detach(versions, PREVIOUS)
        versions[loser]["version_stages"].append(PREVIOUS)


def move(versions: Versions, label: str, move_to: str | None, remove_from: str | None) -> None:
    """UpdateSecretVersionStage: nothing changes unless the caller knows where the label is."""
    _check_move(versions, label, move_to, remove_from)
    if move_to is None:
        _detach(versions, label)
        return
    _check_room(versions, {label})
    attach(versions, label, move_to)


def _check_move(versions: Versions, label: str, move_to: str | None, remove_from: str | None) -> None:
    holder = holder_of(versions, label)
    if move_to is None and remove_from is None:
        raise invalid("You must specify MoveToVersionId, RemoveFromVersionId, or both.")
    for version_id in (move_to, remove_from):
        if version_id is not None and version_id not in versions:
            raise not_found(f"secret version {version_id}")
    if remove_from is not None and remove_from != holder:
        raise invalid(
            f"The staging label {label} isn't attached to version {remove_from}: RemoveFromVersionId must be the"
            f" version that it is attached to."
        )
    if move_to is None and label == CURRENT:
        raise invalid(f"You can't remove the staging label {CURRENT}, only move it to another version.")
    if remove_from is None and holder not in (None, move_to):
        raise invalid(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version"
            f" {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )


def _check_room(versions: Versions, labels: set[str]) -> None:
    """The quota counts the labels of all versions together."""
    used = {label for version in versions.values() for label in version["version_stages"]}
    if len(used | labels) > MOST_LABELS:
        raise Refusal("LimitExceededException", f"A secret can have at most {MOST_LABELS} staging labels.")


def put(versions: Versions, version_id: str, value: Version, labels: list[str] | None) -> None:
    """PutSecretValue: a version is written once; its labels are taken from whoever has them."""
    if is_filled(versions, version_id):
        if any(versions[version_id].get(key) != value.get(key) for key in VALUES):
            raise token_used(version_id)
        return
    first = not any(is_filled(versions, one) for one in versions)
    wanted = list(labels or [CURRENT]) + ([CURRENT] if first else [])
    _check_room(versions, set(wanted))
    versions[version_id] = _empty(versions, version_id) | {"createdate": time.time()} | value
    for label in wanted:
        attach(versions, label, version_id)


def is_filled(versions: Versions, version_id: str) -> bool:
    """Whether there is such a version, with a value. One that a rotation has only named has none."""
    return any(versions.get(version_id, {}).get(key) is not None for key in VALUES)


def reserve(versions: Versions, version_id: str) -> None:
    """RotateSecret names the version that is to come: AWSPENDING is on it before it holds anything."""
    _check_room(versions, {PENDING})
    versions[version_id] = _empty(versions, version_id)
    attach(versions, PENDING, version_id)


def _empty(versions: Versions, version_id: str) -> Version:
    new = {"createdate": time.time(), "version_id": version_id, "version_stages": []}
    return versions.get(version_id, new)


def find(versions: Versions, version_id: str | None, label: str | None) -> Version:
    """GetSecretValue: the version asked for; an id and a label must mean the same one."""
    if version_id is None:
        version_id = holder_of(versions, label or CURRENT)
        if version_id is None:
            raise not_found(f"secret value for staging label: {label or CURRENT}")
    if not is_filled(versions, version_id):
        raise not_found(f"secret value for {f'staging label: {label}' if label else f'VersionId: {version_id}'}")
    if label and label not in versions[version_id]["version_stages"]:
        raise Refusal("InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
    return versions[version_id]
