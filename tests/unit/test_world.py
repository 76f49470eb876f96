"""The small world keeps the rules of the real one: what the steps are tested over may not be kinder than what they meet.

The tests that the real ones pass too are in tests/contract: test_sources, test_stores, test_consumers.
"""

import pytest
from rotation.core.errors import AccountAmbiguous, SourceRefused, SourceUnreachable
from rotation.core.model import CURRENT, PENDING, Password, SecretText, Slot
from rotation.core.rollout import Progress, progress
from rotation.ports import AdminSession, World

from tests.worlds.database import Session
from tests.worlds.journal import Crash
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MARK, PODS, SECRET, SQLCONF, USERS, MemoryWorld, credential, login

A = USERS[Slot.A]
ME = credential(ADMIN, ADMIN_PASSWORD)
FIRST = login(Slot.A)
SECOND, THIRD = credential(A, "second"), credential(A, "third")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def test_it_is_a_world_to_the_type_checker_too(world: MemoryWorld) -> None:
    """mypy reads the annotations; Python at least finds the parts."""
    behind_the_ports: World = world
    assert {part for part in dir(World) if not part.startswith("_")} <= set(dir(behind_the_ports))


# Labels


def test_a_version_is_written_once(world: MemoryWorld) -> None:
    world.slots.put_once("new", SecretText('{"first": 1}'))
    assert world.slots.put_once("new", SecretText('{"second": 2}')).reveal() == '{"first": 1}'
    assert world.journal.writes == ["put slots"]


def test_a_swap_that_was_done_already_says_so(world: MemoryWorld) -> None:
    """Its answer may have been lost: what counts is where the label is."""
    first = world.slots.labels().current
    world.slots.put_once("one", SecretText("{}"))
    assert [world.slots.swap(CURRENT, to="one", removed_from=first) for _ in range(2)] == [True, True]
    assert world.journal.writes == ["put slots", "swap AWSCURRENT of slots"]


def test_a_version_grows_older_with_the_clock(world: MemoryWorld) -> None:
    world.slots.put_once("one", SecretText("{}"))
    world.clock += 42
    assert world.slots.age_seconds("one") == 42


# The database, where no real one is at hand to pass the same test


def test_a_server_without_dual_passwords_refuses_both_statements() -> None:
    world = MemoryWorld(dual_passwords=False)
    with world.source.as_admin(ME) as session:
        assert not session.dual_passwords
        with pytest.raises(SourceRefused):
            session.set_password(A, Password("new"), retain=True)
        with pytest.raises(SourceRefused):
            session.discard_old_password(A, Password("new"))
    assert world.source.logs_in(FIRST)
    assert not world.source.logs_in(credential(A, "new"))


def test_a_server_that_does_not_count_logins_says_that_it_does_not() -> None:
    assert MemoryWorld(counts_logins=False).source.activity(ME, A).logins is None


def test_a_database_that_is_away_says_neither_yes_nor_no(world: MemoryWorld) -> None:
    world.source.reachable = False
    with pytest.raises(SourceUnreachable):
        world.source.logs_in(FIRST)


# Users and grants


def grants(world: MemoryWorld, user: str) -> set[str]:
    return world.source.accounts[user].privileges


def test_grants_that_lack_are_given_and_no_others(world: MemoryWorld) -> None:
    world.account(Slot.B).privileges = {"INSERT"}
    with world.source.as_admin(ME) as session:
        given = [copied(session), copied(session)]
    assert grants(world, USERS[Slot.B]) == {"INSERT", "ALL PRIVILEGES"}
    assert given == [True, False]


def copied(session: Session | AdminSession) -> bool:
    return session.copy_grants(login(Slot.B), FIRST)


def test_a_user_that_is_not_there_cannot_be_altered_nor_one_that_is_made_again(world: MemoryWorld) -> None:
    with world.source.as_admin(ME) as session:
        assert not session.exists("nobody")
        for change in (
            lambda: session.set_password("nobody", Password("x"), retain=False),
            lambda: session.discard_old_password("nobody", Password("x")),
            lambda: session.copy_grants(credential("nobody", ""), FIRST),
        ):
            with pytest.raises(AccountAmbiguous):
                change()
        with pytest.raises(SourceRefused):
            session.create_user(FIRST, FIRST)
    assert world.journal.writes == []


# Consumers and pods


def test_what_is_published_is_read_back_and_written_only_once(world: MemoryWorld) -> None:
    for consumer in (world.credential(SQLCONF), world.credential(SECRET)):
        assert consumer.publish(login(Slot.B), MARK)
        assert not consumer.publish(login(Slot.B), MARK)
        assert consumer.read().at_place_of(login(Slot.B)) == login(Slot.B)
    assert world.journal.writes == ["publish sqlconf.php", "publish Secret openemr/db"]
    assert (world.file.held.port, world.secret.held.port) == (3306, None)


def test_until_the_controller_has_seen_a_restart_all_numbers_are_about_the_rollout_before(world: MemoryWorld) -> None:
    pods = world.workload(PODS)
    pods.fail()
    pods.restart("mark", "today")
    states = [progress(pods.rollout())]
    for event in (pods.begin, pods.fail, pods.finish):
        event()
        states.append(progress(pods.rollout()))
    assert states == [Progress.WAITING, Progress.WAITING, Progress.FAILED, Progress.COMPLETE]


def test_the_same_mark_is_no_second_restart(world: MemoryWorld) -> None:
    for _ in range(2):
        world.pods.restart("mark", "today")
    assert (world.pods.restarts, world.journal.writes) == (1, ["restart Deployment openemr/openemr"])
    world.pods.restart("mark", "tomorrow")
    assert world.pods.restarts == 2


# Where tests cut in


@pytest.mark.parametrize("done", [False, True])
def test_a_crash_comes_before_or_after_a_write_and_only_once(world: MemoryWorld, done: bool) -> None:
    world.journal.crash(0, done=done)
    with pytest.raises(Crash):
        world.file.publish(login(Slot.B), MARK)
    assert (world.file.held == login(Slot.B)) is done
    assert world.file.publish(login(Slot.B), MARK) is not done


def test_a_crash_while_a_label_is_moved_leaves_it_on_one_version(world: MemoryWorld) -> None:
    world.slots.put_once("one", SecretText("{}"))
    for done in (False, True):
        world.journal.crash(0, done=done)
        with pytest.raises(Crash):
            world.slots.swap(PENDING, to="one", removed_from=None)
        assert (world.slots.labels().pending == "one") is done


def test_somebody_acts_once_and_right_before(world: MemoryWorld) -> None:
    seen: list[int] = []
    world.journal.meanwhile(f"activity {A}", lambda: seen.append(world.source.accounts[A].logins))
    world.source.logs_in(FIRST)
    for _ in range(2):
        world.source.activity(ME, A)
    assert seen == [1]
