"""Mode verify of WordPress on instances: whether they are there, can be told, and what their files hold."""

import pytest
from rotation.core.findings import Finding, Severity
from rotation.core.fleet import Answer, Status
from rotation.core.model import Slot
from rotation.protocol.probes import probe

from tests.worlds.fleet import FIRST, SECOND, Fleet
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import MemoryWorld, login

WHATS = ("instances", "instances told", "instances' files")


@pytest.fixture
def world() -> WordPressWorld:
    return WordPressWorld()


def seen(world: WordPressWorld, function: str) -> list[tuple[Severity, str]]:
    found = [(one.severity, f"{one.found}; {one.mend}") for one in probe(world, function) if one.what in WHATS]
    assert not [password for password in world.passwords if password in repr(found)]
    return found


def heard(world: WordPressWorld, seconds: float = 5) -> list[tuple[Severity, str]]:
    """WriteWpConfig's function asks, and CheckDrained's hears what they say."""
    probe(world, "write_wp_config")
    world.pass_time(seconds)
    return [(one.severity, f"{one.found}; {one.mend}") for one in probe(world, "check_drained") if one.what == WHATS[2]]


@pytest.mark.parametrize("function", ["read_slots", "write_wp_config", "check_drained"])
def test_instances_that_are_there_and_can_be_told_are_well(world: WordPressWorld, function: str) -> None:
    assert {severity for severity, _ in seen(world, function)} <= {Severity.OK, Severity.SKIPPED}


@pytest.mark.parametrize("function", ["read_slots", "write_wp_config", "check_drained"])
def test_that_none_has_the_tag_fails(world: WordPressWorld, function: str) -> None:
    world.instances.machines = ()
    severity, said = seen(world, function)[0]
    assert severity is Severity.FAILED
    assert "InstancesMissing" in said
    assert "does the tag say what the target says" in said


def test_one_without_a_connected_agent_fails_and_is_named(world: WordPressWorld) -> None:
    world.instances.change(SECOND, silent_until=world.clock + 100)
    ((severity, said),) = seen(world, "read_slots")
    assert (severity, SECOND in said, FIRST in said) == (Severity.FAILED, True, False)


def test_what_they_hold_is_said(world: WordPressWorld) -> None:
    assert [severity for severity, _ in heard(world)] == [Severity.OK, Severity.OK]


def test_one_that_holds_another_login_is_a_warning(world: WordPressWorld) -> None:
    world.instances.change(SECOND, holds=login(Slot.B))
    assert [severity for severity, _ in heard(world)] == [Severity.OK, Severity.WARNING]


def test_one_that_has_not_answered_yet_is_not_taken_for_well(world: WordPressWorld) -> None:
    assert [severity for severity, _ in heard(world, seconds=0)] == [Severity.SKIPPED, Severity.SKIPPED]


SAID = {
    "WpConfigUnsupported": "line 12: DB_PASSWORD comes from the environment; write it as a text",
    "WpConfigMissing": "there is no /var/www/html/wp-config.php",
    "SecretUnreadable": "the role of the instance may not read the secret",
    "PhpMissing": "there is no php",
    "PageBad": "the page answered 500",
}


@pytest.mark.parametrize("reason", SAID)
def test_what_a_rotation_would_fail_by_fails_with_the_instance_s_own_words(
    world: WordPressWorld, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(_: Fleet, machine: object, one: object, at: float) -> Answer:
        key, name = one.telling.key, machine.id  # type: ignore[attr-defined]
        return Answer(name, key, Status.FAILED, one.asked, "other", "not asked", reason, SAID[reason])  # type: ignore[attr-defined]

    monkeypatch.setattr(Fleet, "_done", done)
    for (severity, said), name in zip(heard(world), (FIRST, SECOND), strict=True):
        assert severity is Severity.FAILED
        assert f"{reason}: instance {name}: {SAID[reason]}" in said


def test_to_verify_writes_no_file(world: WordPressWorld) -> None:
    before = [one.holds for one in world.instances.machines]
    heard(world)
    assert [one.holds for one in world.instances.machines] == before
    assert {one.telling.action for one in world.instances.commands} == {"look"}


def test_an_application_without_instances_is_told_nothing_of_them() -> None:
    found: list[Finding] = [one for one in probe(MemoryWorld(), "read_slots") if one.what in WHATS]
    assert found == []
