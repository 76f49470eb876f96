"""The faults of the best-known tool of this kind."""

import re
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from rotation.core import situation
from rotation.core.errors import AppUnhealthy, RotationError
from rotation.core.model import CURRENT, Mode, RotationStep, RotationTag, Slot
from rotation.core.rollout import Progress, Rollout
from rotation.core.situation import Action
from rotation.protocol import altering, intents
from rotation.protocol.admin_login import AdminLogin
from rotation.steps import check_drained as draining
from rotation.steps import read_slots as reading
from rotation.steps import rotate_admin as admins
from rotation.steps import validate_app as validating

from tests.faults.teeth import adapters
from tests.faults.teeth.mutation import STEPS, Mutation, in_the_machine, replaced, several
from tests.faults.teeth.record import moved_from_wherever_it_is
from tests.worlds.living import LivingWorld

_rotate = situation._rotate


_bootstrap = situation._bootstrap


_read_slots = reading.read_slots


_confirm = intents.confirm


def idle_slot_only(facts: Any) -> Any:
    decision = _rotate(facts)
    return decision if facts.current.active is Slot.A else replace(decision, action=Action.ALREADY_ROTATED)


def admin_altered_first(world: Any, request: Any) -> dict[str, Any]:
    _confirm(world.slots, request.claim.version)
    store, password = world.admin, admins.admin_password()
    admin = AdminLogin(world)
    with admin.session() as session:
        session.set_password(admin.credential.username, password, retain=False)
    labels = store.labels()
    tag = RotationTag(request.situation["rotation_id"], request.owner, RotationStep.RETIRE, labels.current)
    store.put_once("later", admins._read(world, labels.current).with_password(password).with_tag(tag).text())
    store.swap(CURRENT, to="later", removed_from=labels.current)
    return {}


def dry_run_that_alters(world: Any, request: Any) -> dict[str, Any]:
    answer = _read_slots(world, request)
    if request.mode is Mode.DRY_RUN:
        record = intents.read_record(world.slots, world.slots.labels().current)
        with AdminLogin(world).session() as session:
            standby = record.credential(record.leaves)
            session.set_password(standby.username, standby.password, retain=False)
    return answer


def sync_alters_both(world: Any, request: Any) -> dict[str, Any]:
    record, seen = intents.confirm_forward(world.slots, request.claim.version)
    current = intents.read_record(world.slots, seen)
    with AdminLogin(world).session() as session:
        for slot in record.ring:
            session.set_password(record.credential(slot).username, current.credential(slot).password, retain=False)
    return {**request.claim.as_dict(), "repaired": []}


def bootstrap_that_exits(facts: Any, record: Any, file: Any) -> Any:
    return replace(_bootstrap(facts, record, file), action=Action.ALREADY_ROTATED)


def only_the_file(world: Any, request: Any) -> dict[str, Any]:
    answer = _read_slots(world, request)
    interrupted = "interrupted" in answer["reason"]
    return {**answer, "consumers": answer["consumers"][:1]} if interrupted else answer


_look = draining._look


def look_at_the_file(world: Any, request: Any, record: Any, admin: Any, held: Any) -> Any:
    return replace(_look(world, request, record, admin, held[:1]), rolled_out=True)


def stale_progress(rollout: Rollout, *_: Any) -> Progress:
    complete = rollout.updated >= rollout.replicas_wanted and rollout.available >= rollout.updated
    return Progress.COMPLETE if complete else Progress.WAITING


def naive_render(content: bytes, credential: Any) -> bytes:
    text = content.decode()
    values = {"host": credential.host, "port": str(credential.port), "login": credential.username}
    values |= {"pass": credential.password.reveal(), "dbase": credential.dbname}
    for name, value in values.items():
        text = re.sub(rf"(\${name}\s*=\s*)'[^']*'", rf"\g<1>'{value}'", text)
    return text.encode()


_validate = validating.validate_app


def health_only_warns(world: Any, request: Any) -> dict[str, Any]:
    try:
        return _validate(world, request)
    except AppUnhealthy:
        return {"user": "whoever"}


_ensure = altering.ensure_password


def quotes_the_statement(world: Any, session: Any, user: Any, like: Any, check: Any) -> int:
    try:
        return _ensure(world, session, user, like, check)
    except RotationError as error:
        raise type(error)(f"{error}: ALTER USER {user.username} IDENTIFIED BY '{user.password.reveal()}'") from None


def impatient(world: LivingWorld) -> None:
    world.target = replace(world.target, rollout_deadline_seconds=20)


def goes_on_after_a_failed_validation(states: dict[str, Any]) -> None:
    states["ValidateApp"]["Catch"][-1]["Next"] = "ChooseEnd"


PEERS = [
    Mutation(
        "1 the idle slot is rotated and the live one never again",
        replaced("rotation.core.situation._rotate", idle_slot_only),
        ("from B",),
    ),
    Mutation(
        "2 the admin is altered first and recorded after", replaced(f"{STEPS}.rotate_admin.rotate_admin", admin_altered_first)
    ),
    Mutation("3 a dry run alters", replaced(f"{STEPS}.read_slots.read_slots", dry_run_that_alters), ("dry run",)),
    Mutation("4 every run alters both users", replaced(f"{STEPS}.sync_users.sync_users", sync_alters_both), ("drifted slot",)),
    Mutation(
        "5 the first rotation exits well and changes nothing",
        replaced("rotation.core.situation._bootstrap", bootstrap_that_exits),
        ("bootstrap",),
    ),
    Mutation(
        "6 carried on: no Secret, no restart",
        several(
            replaced(f"{STEPS}.read_slots.read_slots", only_the_file),
            replaced(f"{STEPS}.check_drained._look", look_at_the_file),
        ),
        ("interrupted publish",),
    ),
    Mutation(
        "7 a stale status reads as rolled out",
        several(
            replaced(f"{STEPS}.check_rollout.progress", stale_progress), replaced(f"{STEPS}.check_drained.progress", stale_progress)
        ),
        ("slow pods",),
        strike_at="RestartApp",
    ),
    Mutation("8 the password as a template", replaced("rotation.consumers.sqlconf.text.render", naive_render), ("odd characters",)),
    Mutation(
        "9 a temporary file that is served as text",
        lambda: patch("rotation.consumers.sqlconf.adapter._SUFFIX", ".tmp"),
        ("the file adapter",),
        check=adapters.stray_files,
    ),
    Mutation("10 health only warns", replaced(f"{STEPS}.validate_app.validate_app", health_only_warns), ("B does not work",)),
    Mutation(
        "11 no lock",
        several(
            replaced("tests.worlds.aws.SecretsManager.update_secret_version_stage", moved_from_wherever_it_is),
            replaced("rotation.protocol.survey._owner_alive", lambda *_: False),
        ),
        rivals=True,
        strike_at="DiscardOldPassword",
    ),
    Mutation(
        "12 an error quotes the statement",
        replaced(f"{STEPS}.rotate_old_slot.ensure_password", quotes_the_statement),
        strike_at="RotateOldSlot",
    ),
    Mutation("13 less patience than a rollout takes", several(), ("slow pods",), world=impatient),
    Mutation(
        "14 what a dead run left is not looked at",
        replaced("rotation.core.situation._unfinished", lambda _: None),
        strike_at="DiscardOldPassword",
    ),
    Mutation("15 a failed validation exits well", in_the_machine(goes_on_after_a_failed_validation), ("B does not work",)),
]
