"""The care for passwords left out: logins before and after, the lock and the last look under it, how a user is made."""

from typing import Any
from unittest.mock import patch

from rotation.core.model import Mark
from rotation.protocol import altering, intents
from rotation.steps import discard_old_password as discarding
from rotation.steps import rotate_admin as admins

from tests.faults.teeth.mutation import ALL_STARTS, STEPS, Mutation, replaced
from tests.worlds.database import Session
from tests.worlds.living import LivingDatabase, LivingWorld
from tests.worlds.world import FORMER

_confirm = intents.confirm


_ensure = altering.ensure_password


def ensure_without_a_login(world: Any, session: Any, user: Any, like: Any, check: Any) -> int:
    check()
    if session.exists(user.username):
        session.set_password(user.username, user.password, retain=session.dual_passwords)
    else:
        session.create_user(user, like)
    return 1 if world.source.logs_in(user) else 0


def plain_alter(world: Any, session: Any, user: Any, like: Any, check: Any) -> int:
    if world.source.logs_in(user):
        return 1
    check()
    session.set_password(user.username, user.password, retain=False)
    return 1


def ensure_without_a_proof(world: Any, session: Any, user: Any, like: Any, check: Any) -> int:
    if not world.source.logs_in(user):
        check()
        session.set_password(user.username, user.password, retain=session.dual_passwords)
    return 1


def discard_unproven(world: Any, session: Any, user: Any) -> None:
    session.discard_old_password(user.username, user.password)


def discard_before_the_swap(world: Any, request: Any) -> dict[str, Any]:
    def ensure(world: Any, session: Any, user: Any, *given: Any) -> int:
        tried = _ensure(world, session, user, *given)
        session.discard_old_password(user.username, user.password)
        return tried

    with patch.object(admins, "ensure_password", ensure):
        return _rotate_admin(world, request)


_rotate_admin = admins.rotate_admin


def alter_without_a_fence(world: Any, request: Any, admin: Any, version: str, record: Any) -> int:
    """It was looked at when the call began, and then it waited for the lock."""
    old, like = record.credential(record.leaves), record.credential(record.active)
    with admin.session() as session:
        return _ensure(world, session, old, like, lambda: altering.refuse_in_use(world, request, session, old))


def discard_without_a_fence(world: Any, request: Any) -> dict[str, Any]:
    """It was looked at when the call began, and then it waited for the lock."""
    seen = intents.confirm_forward(world.slots, request.claim.version)
    with patch.object(discarding, "confirm_forward", lambda *_: seen):
        return _discard(world, request)


_discard = discarding.discard_old_password


def like_the_other_slot(record: Any) -> Any:
    return record.credential(record.leaves)


def comes_without_tls(world: LivingWorld) -> None:
    world.source.accounts[FORMER].tls = False


def without_tls(self: Any, made: Any, like: Any) -> None:
    _create_account(self, made, like)
    self._database.accounts[made.username].tls = False


_create_account = Session.create_account


def no_lock(self: Any, admin: Any, who: str) -> Any:
    self.lock = None
    return _enter(self, admin, who)


_enter = LivingDatabase.enter


def publish_unproven(world: Any, request: Any) -> dict[str, Any]:
    record = _confirm(world.slots, request.claim.version, request.direction)
    return {"changed": world.credential(request.consumer, "").publish(record.credential(request.entry), Mark(request.mark))}


PASSWORDS = [
    Mutation(
        "RETAIN twice",
        replaced(f"{STEPS}.rotate_admin.ensure_password", ensure_without_a_login),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation("RETAIN twice for a slot", replaced(f"{STEPS}.rotate_old_slot.ensure_password", ensure_without_a_login)),
    Mutation("plain ALTER", replaced(f"{STEPS}.rotate_admin.ensure_password", plain_alter)),
    Mutation("plain ALTER of a slot", replaced(f"{STEPS}.rotate_old_slot.ensure_password", plain_alter)),
    Mutation("current without a login", replaced(f"{STEPS}.rotate_admin.ensure_password", ensure_without_a_proof)),
    Mutation("discarded without a login", replaced(f"{STEPS}.discard_old_password.discard_old", discard_unproven)),
    Mutation("discard before the swap", replaced(f"{STEPS}.rotate_admin.rotate_admin", discard_before_the_swap)),
    Mutation("published without a login", replaced(f"{STEPS}.publish.publish", publish_unproven)),
    Mutation("no fence before the ALTER", replaced(f"{STEPS}.rotate_old_slot._alter", alter_without_a_fence)),
    Mutation(
        "no fence before the DISCARD", replaced(f"{STEPS}.discard_old_password.discard_old_password", discard_without_a_fence)
    ),
    Mutation("no last look before the ALTER", replaced(f"{STEPS}.rotate_old_slot.refuse_in_use", lambda *_: None)),
    Mutation("no last look before the DISCARD", replaced(f"{STEPS}.discard_old_password.refuse_in_use", lambda *_: None)),
    Mutation(
        "no lock in the database",
        replaced("tests.worlds.living.LivingDatabase.enter", no_lock),
        ALL_STARTS,
        strike_at="RotateAdmin",
    ),
    Mutation("a user made without TLS", replaced("tests.worlds.database.Session.create_account", without_tls), ("bootstrap",)),
    Mutation(
        "a user made unlike the one in use",
        replaced(f"{STEPS}.sync_users._like", like_the_other_slot),
        ("bootstrap",),
        world=comes_without_tls,
    ),
]
