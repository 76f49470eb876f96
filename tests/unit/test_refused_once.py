"""A password that was refused is not tried again in the same step: failed logins lock accounts."""

from collections.abc import Callable

import pytest
from rotation.core.errors import AdminLoginUnknown
from rotation.core.model import CURRENT, PENDING, Credential, Mode, Password, Slot
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.sync_users import sync_users

from tests.worlds.database import Policy
from tests.worlds.run import Run, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MemoryWorld, credential, login


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def refusals(world: MemoryWorld, act: Callable[[], object]) -> list[Credential]:
    """What the database refused meanwhile, as often as it did."""
    asked, found = world.source.logs_in, []

    def logs_in(one: Credential) -> bool:
        works = asked(one)
        found.extend([one] * (not works))
        return works

    world.source.logs_in = logs_in  # type: ignore[method-assign]
    try:
        act()
    finally:
        world.source.logs_in = asked  # type: ignore[method-assign]
    return found


def admin_login(password: str) -> Credential:
    return credential(ADMIN, password)


def only_pending_works(world: MemoryWorld) -> Credential:
    """A dead run altered the admin and came no further, on a server without dual passwords; what is current is refused."""
    world.admin.put("p", world.current_admin.with_password(Password("pending one")).text(), [PENDING])
    world.source.accounts[ADMIN].password = "pending one"
    return admin_login(ADMIN_PASSWORD)


def test_a_wrong_admin_password_in_a_consumer_is_tried_once_in_a_survey(world: MemoryWorld) -> None:
    world.source.accounts[ADMIN].password = "known to nobody"
    world.file.holds(admin_login("a wrong one"))

    def read() -> None:
        with refused(world, AdminLoginUnknown):
            Run(world).read_slots()

    assert refusals(world, read) == [admin_login("a wrong one"), admin_login(ADMIN_PASSWORD)]


def test_a_claim_that_records_a_drifted_admin_does_not_try_again_what_its_survey_was_refused(world: MemoryWorld) -> None:
    world.source.accounts[ADMIN].password = "drifted"
    world.secret.holds(admin_login("drifted"))
    run = Run(world)
    run.read_slots()
    assert refusals(world, run.claim_rotation) == [admin_login(ADMIN_PASSWORD)]
    assert world.current_admin.credential.same_login(admin_login("drifted"))


def test_sync_users_looks_for_the_admin_once_for_both_users(world: MemoryWorld) -> None:
    wrong = only_pending_works(world)
    run = Run(world, mode=Mode.SYNC_USERS).to_claim()
    assert refusals(world, lambda: run.ask(sync_users)) == [wrong]


def test_a_discard_that_also_ends_sessions_looks_for_the_admin_once() -> None:
    world = MemoryWorld(dual_passwords=False)
    run = Run(world, mode=Mode.REVOKE).to_discard()
    wrong = only_pending_works(world)
    retired = login(Slot.A)
    assert refusals(world, lambda: run.ask(discard_old_password)) == [wrong, retired], "the second is the proof"


def test_a_policy_that_rejects_passwords_makes_nobody_look_for_the_admin_again(world: MemoryWorld) -> None:
    run = Run(world).to_old_slot()
    wrong = only_pending_works(world)
    world.source.policy = Policy(accepts=3)
    assert refusals(world, run.rotate_old_slot).count(wrong) == 1


def test_nor_does_one_that_rejects_the_admins_own() -> None:
    """What is current is refused, what was current before logs in."""
    world = MemoryWorld(dual_passwords=False)
    run = Run(world).to_admin()
    world.admin.put("c", world.current_admin.with_password(Password("never set")).text(), [CURRENT])
    world.source.policy = Policy(accepts=3)
    assert refusals(world, lambda: run.ask(rotate_admin)).count(admin_login("never set")) == 1
