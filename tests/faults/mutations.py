"""The checks have teeth: faults put back one at a time, into the steps, the machine or an adapter, and each must be found.

The first fifteen are those of the best-known tool of this kind; the others are what each clause of the protocol is there for.
"""

import copy
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from rotation.core import situation
from rotation.core.errors import AppUnhealthy, OwnerUnknown, RotationError, RotationSuperseded, SourceUnreachable
from rotation.core.model import CURRENT, PENDING, Direction, Mode, RotationStep, RotationTag, Slot
from rotation.core.rollout import Progress, Rollout
from rotation.core.situation import Action
from rotation.protocol import altering, intents
from rotation.protocol.survey import working_admin
from rotation.steps import check_drained as draining
from rotation.steps import close_flip as closing
from rotation.steps import discard_old_password as discarding
from rotation.steps import read_slots as reading
from rotation.steps import rotate_admin as admins
from rotation.steps import rotate_old_slot as retiring
from rotation.steps import validate_app as validating

from local import secret_labels as aws
from tests.faults import liveness, machinery
from tests.faults.stray import stray_files
from tests.statemachine.machine import shipped
from tests.worlds.invocation import Database, Port, Ports
from tests.worlds.living import LivingDatabase, LivingWorld

Apply = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Mutation:
    name: str
    apply: Apply
    seen_in: tuple[str, ...] = ("from A",)
    """The scenarios in which it is looked for, one after the other."""
    strike_at: str = ""
    """The state whose boundaries the fault strikes; empty: every one's."""
    rivals: bool = False
    """Looked for with two executions at once, too."""
    world: Callable[[LivingWorld], None] = lambda _: None
    check: Callable[[], Any] | None = None
    """What finds it where the world is too coarse: an adapter's fault."""


def replaced(target: str, new: Any) -> Apply:
    return lambda: patch(target, new)


def several(*targets: Apply) -> Apply:
    @contextmanager
    def apply() -> Iterator[None]:
        with ExitStack() as stack:
            for target in targets:
                stack.enter_context(target())
            yield

    return apply


def forget_the_machine() -> None:
    machinery.machine.cache_clear()
    liveness.live_in.cache_clear()


def in_the_machine(change: Callable[[dict[str, Any]], None]) -> Apply:
    @contextmanager
    def apply() -> Iterator[None]:
        changed = copy.deepcopy(shipped())
        change(changed["States"])
        forget_the_machine()
        try:
            with patch.object(machinery, "shipped", lambda: changed):
                yield
        finally:
            forget_the_machine()

    return apply


# ---- the faults of the best-known tool ----------------------------------------------------------------------------------

_rotate, _bootstrap, _read_slots, _confirm = situation._rotate, situation._bootstrap, reading.read_slots, intents.confirm


def idle_slot_only(facts: Any) -> Any:
    decision = _rotate(facts)
    return decision if facts.current.active is Slot.A else replace(decision, action=Action.ALREADY_ROTATED)


def admin_altered_first(world: Any, request: Any) -> dict[str, Any]:
    _confirm(world.slots, request.claim.version)
    store, password = world.admin, admins.admin_password()
    with world.source.as_admin(working_admin(world)) as session:
        session.set_password(working_admin(world).username, password, retain=False)
    labels = store.labels()
    tag = RotationTag(request.situation["rotation_id"], request.owner, RotationStep.RETIRE, labels.current)
    store.put_once("later", admins._read(world, labels.current).with_password(password).with_tag(tag).text())
    store.swap(CURRENT, to="later", removed_from=labels.current)
    return {}


def dry_run_that_alters(world: Any, request: Any) -> dict[str, Any]:
    answer = _read_slots(world, request)
    if request.mode is Mode.DRY_RUN:
        record = intents.read_record(world.slots, world.slots.labels().current)
        with world.source.as_admin(working_admin(world)) as session:
            standby = record.credential(record.leaves)
            session.set_password(standby.username, standby.password, retain=False)
    return answer


def sync_alters_both(world: Any, request: Any) -> dict[str, Any]:
    record, labels = _confirm(world.slots, request.claim.version)
    current = intents.read_record(world.slots, labels.current)
    with world.source.as_admin(working_admin(world)) as session:
        for slot in world.current.ring:
            session.set_password(record.credential(slot).username, current.credential(slot).password, retain=False)
    return {"repaired": []}


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


def quotes_the_statement(world: Any, admin: Any, user: Any, like: Any, check: Any) -> int:
    try:
        return _ensure(world, admin, user, like, check)
    except RotationError as error:
        raise type(error)(f"{error}: ALTER USER {user.username} IDENTIFIED BY '{user.password.reveal()}'") from None


def impatient(world: LivingWorld) -> None:
    world.target = replace(world.target, rollout_deadline_seconds=20)


def goes_on_after_a_failed_validation(states: dict[str, Any]) -> None:
    states["ValidateApp"]["Catch"][-1]["Next"] = "ChooseEnd"


# ---- the protocol, a clause at a time -----------------------------------------------------------------------------------


def swap_without_looking(self: Any, label: str, *, to: str | None, removed_from: str | None) -> bool:
    if to is None:
        aws._detach(self.versions, label)
    else:
        aws.attach(self.versions, label, to)
    return True


def ensure_without_a_login(world: Any, admin: Any, user: Any, like: Any, check: Any) -> int:
    with world.source.as_admin(admin) as session:
        check(session)
        if session.exists(user.username):
            session.set_password(user.username, user.password, retain=session.dual_passwords)
        else:
            session.create_user(user, like)
    return 1 if world.source.logs_in(user) else 0


def plain_alter(world: Any, admin: Any, user: Any, like: Any, check: Any) -> int:
    with world.source.as_admin(admin) as session:
        if world.source.logs_in(user):
            return 1
        check(session)
        session.set_password(user.username, user.password, retain=False)
    return 1


def ensure_without_a_proof(world: Any, admin: Any, user: Any, like: Any, check: Any) -> int:
    with world.source.as_admin(admin) as session:
        if not world.source.logs_in(user):
            check(session)
            session.set_password(user.username, user.password, retain=session.dual_passwords)
    return 1


def discard_unproven(world: Any, admin: Any, user: Any, check: Any) -> None:
    with world.source.as_admin(admin) as session:
        check(session)
        session.discard_old_password(user.username)


def ahead_without_reading_back(store: Any, version: str, record: Any, seen_pending: str | None) -> Any:
    store.put_once(version, record.text())
    if not store.swap(PENDING, to=version, removed_from=seen_pending):
        raise RotationSuperseded("moved")
    return record


def no_fence(store: Any, version: str, direction: Direction = Direction.FORWARD) -> Any:
    return intents.read_record(store, version), store.labels()


def random_token(*_: Any, **__: Any) -> str:
    return str(uuid.uuid4())


_stamps = iter(range(10**9))


def restart_with_a_timestamp(world: Any, request: Any) -> dict[str, Any]:
    _confirm(world.slots, request.claim.version, request.direction)
    world.workload(request.consumer).restart(request.mark, str(next(_stamps)))
    return {"began": world.now(), "status": "waiting", "wait_seconds": 2}


def discard_before_the_swap(world: Any, request: Any) -> dict[str, Any]:
    def ensure(*given: Any) -> int:
        tried = _ensure(*given)
        with world.source.as_admin(given[2]) as session:
            session.discard_old_password(given[2].username)
        return tried

    with patch.object(admins, "ensure_password", ensure):
        return _rotate_admin(world, request)


_rotate_admin = admins.rotate_admin
_close = closing.close_flip


def landed_is_closed(world: Any, request: Any) -> dict[str, Any]:
    answer = _close(world, request)
    if answer["outcome"] == "landed":
        return {"outcome": "closed", "entry": str(Slot.A if answer["entry"] == Slot.B else Slot.B)}
    return answer


def no_drain(states: dict[str, Any]) -> None:
    """It is looked at, and what is seen makes no difference."""
    states["Drained"]["Choices"] = [{"Variable": "$.drain.began", "IsPresent": True, "Next": "RotateOldSlot"}]
    states["StillDrained"]["Choices"] = [{"Variable": "$.drain.began", "IsPresent": True, "Next": "DiscardOldPassword"}]


def after_without_logins(look: Any, *given: Any) -> Any:
    return _after(replace(look, logins=None), *given)


_after = draining.after


def nobody_works_with_it(world: Any, version: str, record: Any) -> int:
    old = record.credential(record.leaves)
    return _ensure(world, working_admin(world), old, record.credential(record.active), lambda _: None)


def discard_at_once(world: Any, request: Any) -> dict[str, Any]:
    with patch.object(discarding, "discard_old", lambda w, admin, user, _: altering.discard_old(w, admin, user, lambda _: None)):
        return _discard(world, request)


def refused_or_lost(self: Any, credential: Any) -> bool:
    try:
        return _logs_in(self, credential)
    except SourceUnreachable:
        return False


def alter_without_a_fence(world: Any, request: Any, version: str, record: Any) -> int:
    """It was looked at when the call began, and then it waited for the lock."""
    old, like = record.credential(record.leaves), record.credential(record.active)
    return _ensure(world, working_admin(world), old, like, lambda session: altering.refuse_in_use(world, request, session, old))


def discard_without_a_fence(world: Any, request: Any) -> dict[str, Any]:
    def discard(world: Any, admin: Any, user: Any, _: Any) -> None:
        altering.discard_old(world, admin, user, lambda session: altering.refuse_in_use(world, request, session, user))

    with patch.object(discarding, "discard_old", discard):
        return _discard(world, request)


_discard = discarding.discard_old_password
_logs_in = Database.logs_in


def dead_when_throttled(self: Any, arn: str, age_seconds: float) -> bool:
    try:
        return _alive(self, arn, age_seconds)
    except OwnerUnknown:
        return False


def with_throttled_executions(world: LivingWorld) -> None:
    world.throttled[Port.EXECUTIONS] = 2


_alive = Ports.execution_is_alive


def no_lock(self: Any, admin: Any, who: str) -> Any:
    self.lock = None
    return _enter(self, admin, who)


_enter = LivingDatabase.enter


def admin_intent_dropped(world: Any, request: Any, labels: Any, current: Any) -> str:
    if labels.pending not in (None, labels.current):
        world.admin.swap(PENDING, to=None, removed_from=labels.pending)
        labels = replace(labels, pending=None)
    return _renew(world, request, labels, current)


_renew = admins._renew


def straight_back(states: dict[str, Any]) -> None:
    """Without closing the flip: to what ReadSlots called the old slot."""
    states["ChooseWayBack"]["Default"] = "Straight"
    states["Straight"] = {
        "Type": "Pass",
        "Parameters": {"outcome": "closed", "entry.$": "$.situation.old_slot"},
        "ResultPath": "$.closed",
        "Next": "RollBack",
    }


def publish_unproven(world: Any, request: Any) -> dict[str, Any]:
    record, _ = _confirm(world.slots, request.claim.version, request.direction)
    return {"changed": world.credential(request.consumer).publish(record.credential(request.entry))}


def put_as_current(self: Any, version: str, text: Any) -> Any:
    if version not in self.versions:
        self.put(version, text)
    return self.read(version)


def flip_first(states: dict[str, Any]) -> None:
    states["AimAtNewSlot"]["Next"] = "FlipSlot"
    states["FlipSlot"]["Next"] = "Publish"
    states["ChooseEnd"]["Default"] = "ChooseOverlap"


def anew_after_any_error(store: Any, versions: Any, held: Any, read: Any, make: Any) -> Iterator[Any]:
    """A password for each try, as if every error were a rejection."""
    for attempt, version in enumerate(versions):
        if version != held:
            yield version, intents.write_ahead(store, version, make(attempt), held)
            held = version


def retire_the_active(record: Any, owner: str, current: str) -> Any:
    return _retiring(record, owner, current).with_password(record.active, retiring.slot_password())


_retiring = retiring._retiring


def released_early(states: dict[str, Any]) -> None:
    states["DiscardOldPassword"]["Next"] = "ReleaseRotation"


def adopts_in_place(facts: Any, pending: Any) -> Any:
    return replace(_finish_retirement(facts, pending), record=facts.current.with_active(pending.active))


_finish_retirement = situation._finish_retirement


def old_forgotten_on_the_way_back(record: Any, current: Any) -> Any:
    return current.without_tag().with_password(current.active, admins.admin_password())


ALL_STARTS = ("from A", "from B", "bootstrap", "drifted slot", "drifted admin", "interrupted retirement", "undiscarded password")
STEPS = "rotation.steps"

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
        check=stray_files,
    ),
    Mutation("10 health only warns", replaced(f"{STEPS}.validate_app.validate_app", health_only_warns), ("B does not work",)),
    Mutation(
        "11 no lock",
        several(
            replaced("tests.worlds.secrets.InMemorySecret.swap", swap_without_looking),
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

PROTOCOL = [
    Mutation(
        "no RemoveFromVersionId",
        replaced("tests.worlds.secrets.InMemorySecret.swap", swap_without_looking),
        rivals=True,
        strike_at="DiscardOldPassword",
    ),
    Mutation(
        "RETAIN twice",
        replaced(f"{STEPS}.rotate_admin.ensure_password", ensure_without_a_login),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation("plain ALTER", replaced(f"{STEPS}.rotate_admin.ensure_password", plain_alter)),
    Mutation("plain ALTER of a slot", replaced(f"{STEPS}.rotate_old_slot.ensure_password", plain_alter)),
    Mutation("RETAIN twice for a slot", replaced(f"{STEPS}.rotate_old_slot.ensure_password", ensure_without_a_login)),
    Mutation("current without a login", replaced(f"{STEPS}.rotate_admin.ensure_password", ensure_without_a_proof)),
    Mutation("discarded without a login", replaced(f"{STEPS}.discard_old_password.discard_old", discard_unproven)),
    Mutation(
        "no read-back",
        several(
            replaced("rotation.protocol.intents.write_ahead", ahead_without_reading_back),
            replaced(f"{STEPS}.claim_rotation.write_ahead", ahead_without_reading_back),
        ),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation(
        "no fence",
        several(
            *[
                replaced(f"{STEPS}.{one}.confirm", no_fence)
                for one in (
                    "publish",
                    "flip_slot",
                    "rotate_old_slot",
                    "discard_old_password",
                    "rotate_admin",
                    "sync_users",
                    "restart_app",
                )
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
        "a timestamp in the restart", replaced(f"{STEPS}.restart_app.restart_app", restart_with_a_timestamp), strike_at="RestartApp"
    ),
    Mutation("discard before the swap", replaced(f"{STEPS}.rotate_admin.rotate_admin", discard_before_the_swap)),
    Mutation(
        "rolled back after the flip", replaced(f"{STEPS}.close_flip.close_flip", landed_is_closed), ALL_STARTS, strike_at="FlipSlot"
    ),
    Mutation(
        "the drain skipped",
        several(
            in_the_machine(no_drain),
            replaced(f"{STEPS}.rotate_old_slot._alter", nobody_works_with_it),
            replaced(f"{STEPS}.discard_old_password.discard_old_password", discard_at_once),
        ),
    ),
    Mutation("no fence before the ALTER", replaced(f"{STEPS}.rotate_old_slot._alter", alter_without_a_fence)),
    Mutation(
        "no fence before the DISCARD", replaced(f"{STEPS}.discard_old_password.discard_old_password", discard_without_a_fence)
    ),
    Mutation("no last look before the ALTER", replaced(f"{STEPS}.rotate_old_slot.refuse_in_use", lambda *_: None)),
    Mutation("no last look before the DISCARD", replaced(f"{STEPS}.discard_old_password.refuse_in_use", lambda *_: None)),
    Mutation(
        "a drain that counts no logins",
        replaced(f"{STEPS}.check_drained.after", after_without_logins),
        ("a job with the old login",),
    ),
    Mutation(
        "a network error taken for a wrong password",
        replaced("tests.worlds.invocation.Database.logs_in", refused_or_lost),
        ("drifted admin",),
        strike_at="ClaimRotation",
    ),
    Mutation(
        "an owner taken for dead when throttled",
        replaced("tests.worlds.invocation.Ports.execution_is_alive", dead_when_throttled),
        rivals=True,
        world=with_throttled_executions,
        strike_at="ReadSlots",
    ),
    Mutation(
        "no lock in the database",
        replaced("tests.worlds.living.LivingDatabase.enter", no_lock),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation(
        "the admin's intent dropped",
        replaced(f"{STEPS}.rotate_admin._renew", admin_intent_dropped),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation("rolled back without closing the flip", in_the_machine(straight_back), ALL_STARTS, strike_at="FlipSlot"),
    Mutation("published without a login", replaced(f"{STEPS}.publish.publish", publish_unproven)),
    Mutation("put as current", replaced("tests.worlds.world.Secret.put_once", put_as_current)),
    Mutation("flipped before it is published", in_the_machine(flip_first), strike_at="RestartApp"),
    Mutation(
        "another password after any error",
        replaced(f"{STEPS}.rotate_old_slot.offers", anew_after_any_error),
        ALL_STARTS,
        strike_at="RotateOldSlot",
    ),
    Mutation("the active slot retired too", replaced(f"{STEPS}.rotate_old_slot._retiring", retire_the_active)),
    Mutation("the admin left out", in_the_machine(released_early)),
    Mutation(
        "a retirement's password made anew", replaced("rotation.core.situation._finish_retirement", adopts_in_place), ALL_STARTS
    ),
    Mutation(
        "a rollback that records what nobody has",
        replaced(f"{STEPS}.close_flip._undone", old_forgotten_on_the_way_back),
        ("B does not work",),
    ),
]

MUTATIONS = [*PEERS, *PROTOCOL]
