"""The record left out: how versions are put, read back, claimed, confirmed, let go of, and what they say."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core import situation
from rotation.core.model import PENDING, Direction, SecretText
from rotation.protocol import intents
from rotation.steps import release_rotation as releasing
from rotation.steps import rotate_admin as admins
from rotation.steps import rotate_old_slot as retiring

from local import secret_labels as aws
from tests.faults.crowd import edits
from tests.faults.teeth.mutation import ALL_STARTS, STEPS, Mutation, replaced, several
from tests.worlds.aws import SecretsManager


def moved_from_wherever_it_is(self: Any, **given: Any) -> None:
    label, versions = given["VersionStage"], self._secret.versions
    self._secret.moved(label, given.get("MoveToVersionId"), aws.holder_of(versions, label))


def put_without_reading_back(store: Any, version: str, record: Any) -> Any:
    store.put_once(version, record.text())
    return record


def no_fence(store: Any, version: str, _: Direction = Direction.FORWARD) -> Any:
    return intents.read_record(store, version)


def no_fence_forward(store: Any, version: str) -> Any:
    return intents.read_record(store, version), store.labels().current


def no_fence_seen(store: Any, _: Any, version: str) -> Any:
    return intents.read_record(store, version)


def random_token(*_: Any, **__: Any) -> str:
    return str(uuid.uuid4())


def lets_go_of_whatever_is_pending(world: Any, request: Any) -> dict[str, Any]:
    releasing._keep_what_was_learnt(world, request.claim.version)
    world.slots.swap(PENDING, to=None, removed_from=world.slots.labels().pending)
    return {"released": True}


def admin_intent_dropped(world: Any, request: Any, fence: Any, current: Any, pending: Any) -> None:
    if pending is not None:
        world.admin.swap(PENDING, to=None, removed_from=pending.id)
    _renew(world, request, fence, current, None)


_renew = admins._renew


def put_as_current(self: Any, **given: Any) -> None:
    self._secret.written(given["ClientRequestToken"], SecretText(given["SecretString"]), None)


def what_is_current(self: Any, **given: Any) -> Any:
    return _get_secret_value(self, **{key: value for key, value in given.items() if key != "VersionId"})


_get_secret_value = SecretsManager.get_secret_value


def what_was_given(self: Any, version: str, text: Any, *label: str) -> Any:
    _put_once(self, version, text, *label)
    return text


_put_once = SecretsManagerStore.put_once


def anew_after_any_error(store: Any, versions: Any, held: Any, read: Any, make: Any) -> Iterator[Any]:
    """A password for each try, as if every error were a rejection."""
    for attempt, version in enumerate(versions):
        if version != held:
            yield version, intents.write_ahead(store, version, make(attempt), held)
            held = version


def retire_the_active(record: Any, owner: str, current: str, password: Any, *day: Any) -> Any:
    return _retiring(record, owner, current, password, *day).with_password(record.active, password)


_retiring = retiring._retiring


def adopts_in_place(facts: Any, pending: Any) -> Any:
    return replace(_finish_retirement(facts, pending), record=facts.current.with_active(pending.active))


_finish_retirement = situation._finish_retirement


def old_forgotten_on_the_way_back(record: Any, current: Any) -> Any:
    return current.without_tag().with_password(current.active, admins.admin_password())


RECORD = [
    Mutation(
        "no RemoveFromVersionId",
        replaced("tests.worlds.aws.SecretsManager.update_secret_version_stage", moved_from_wherever_it_is),
        rivals=True,
        strike_at="DiscardOldPassword",
    ),
    Mutation(
        "no read-back",
        replaced("rotation.protocol.intents._put", put_without_reading_back),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation("read without naming the version", replaced("tests.worlds.aws.SecretsManager.get_secret_value", what_is_current)),
    Mutation(
        "what was put is taken for what is stored",
        replaced("rotation.aws.secrets_manager.SecretsManagerStore.put_once", what_was_given),
        strike_at="RotateOldSlot",
    ),
    Mutation("put as current", replaced("tests.worlds.aws.SecretsManager.put_secret_value", put_as_current)),
    Mutation(
        "what an earlier try of a claim had put is taken for what is decided",
        replaced(f"{STEPS}.claim_rotation._means", lambda *_: True),
        ("an edit between two tries",),
        check=edits.first,
    ),
    Mutation(
        "no fence",
        several(
            *[
                replaced(f"{STEPS}.{step}.{name}", instead)
                for name, instead, steps in (
                    ("confirm", no_fence, ("publish", "rotate_admin", "restart_app")),
                    ("confirm_forward", no_fence_forward, ("flip_slot", "sync_users", "discard_old_password")),
                    ("confirm_seen", no_fence_seen, ("rotate_old_slot",)),
                    ("confirm_again", lambda *_: None, ("sync_users", "rotate_old_slot", "rotate_admin")),
                )
                for step in steps
            ]
        ),
        rivals=True,
        strike_at="RotateAdmin",
    ),
    Mutation(
        "a random token",
        several(
            *[replaced(f"{STEPS}.{one}.version_id", random_token) for one in ("claim_rotation", "rotate_old_slot", "rotate_admin")]
        ),
        ALL_STARTS,
    ),
    Mutation(
        "let go of whatever is pending",
        replaced(f"{STEPS}.release_rotation.release_rotation", lets_go_of_whatever_is_pending),
        strike_at="ReleaseRotation",
    ),
    Mutation(
        "the admin's intent dropped",
        replaced(f"{STEPS}.rotate_admin._renew", admin_intent_dropped),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation(
        "a retirement's password made anew", replaced("rotation.core.situation._finish_retirement", adopts_in_place), ALL_STARTS
    ),
    Mutation(
        "another password after any error",
        replaced(f"{STEPS}.rotate_old_slot.offers", anew_after_any_error),
        ALL_STARTS,
        strike_at="RotateOldSlot",
    ),
    Mutation("the active slot retired too", replaced(f"{STEPS}.rotate_old_slot._retiring", retire_the_active)),
    Mutation(
        "a rollback that records what nobody has",
        replaced(f"{STEPS}.close_flip._undone", old_forgotten_on_the_way_back),
        ("B does not work",),
    ),
]
