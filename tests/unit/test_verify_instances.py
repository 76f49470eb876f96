"""Mode verify of WordPress on instances: whether they are there, can be told, and what their files hold."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from rotation.core.findings import Finding, Severity
from rotation.core.fleet import Answer, Status
from rotation.core.model import Slot
from rotation.protocol.probes import probe

from tests.worlds.fleet import FIRST, SECOND, Fleet
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import MemoryWorld, login

WHATS = ("instances", "instances told", "instances' files", "instances' tag")


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
    assert heard(world) == [(Severity.OK, f"what is current is held by {FIRST}, {SECOND}; ")]


def test_one_that_holds_another_login_is_a_warning(world: WordPressWorld) -> None:
    world.instances.change(SECOND, holds=login(Slot.B))
    (warned, said), well = heard(world)
    assert (warned, said.startswith(f"another login than what is current is held by {SECOND};")) == (Severity.WARNING, True)
    assert well == (Severity.OK, f"what is current is held by {FIRST}; ")


def test_one_that_has_not_answered_yet_is_not_taken_for_well(world: WordPressWorld) -> None:
    ((severity, said),) = heard(world, seconds=0)
    assert (severity, f"{FIRST}, {SECOND};" in said) == (Severity.SKIPPED, True)


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


MANY = 50


@pytest.fixture
def many(world: WordPressWorld) -> WordPressWorld:
    machine = world.instances.machine(FIRST)
    world.instances.machines = tuple(replace(machine, id=f"i-{number:02}") for number in range(MANY))
    return world


def test_of_many_without_an_agent_a_few_are_named(many: WordPressWorld) -> None:
    for one in many.instances.machines:
        many.instances.change(one.id, silent_until=many.clock + 100)
    ((severity, said),) = seen(many, "read_slots")
    assert (severity, said.partition(";")[0].endswith("Manager on i-00, i-01, i-02 and 47 more")) == (Severity.FAILED, True)


@pytest.mark.parametrize("change", [{}, {"holds": login(Slot.B)}, {"shows": False, "holds": login(Slot.B)}])
def test_what_many_say_is_said_in_a_few_lines(many: WordPressWorld, change: dict[str, Any]) -> None:
    for one in many.instances.machines:
        many.instances.change(one.id, **change)
    said = [text for _, text in heard(many)]
    assert len(said) <= 4
    assert len(set(re.findall(r"i-\d\d", " ".join(said)))) == 3
    assert "47 more" in said[-1]


def compared(world: WordPressWorld, **more: str) -> list[tuple[Severity, str]]:
    """With an application's secret that says so, too."""
    version = world.application.versions[world.application.labels().current]
    version["secret_string"] = json.dumps(json.loads(version["secret_string"]) | more)
    found = probe(world, "write_wp_config")
    return [(one.severity, one.found) for one in found if one.what == "instances' tag"]


def test_the_tag_that_the_secret_says_too_is_well(world: WordPressWorld) -> None:
    assert [severity for severity, _ in compared(world, app="openemr")] == [Severity.OK]


def test_another_tag_than_the_secret_says_fails_with_both(world: WordPressWorld) -> None:
    ((severity, said),) = compared(world, app="foo")
    assert (severity, "says app=foo, the target app=openemr" in said) == (Severity.FAILED, True)


def test_a_secret_that_names_no_application_is_compared_with_nothing(world: WordPressWorld) -> None:
    assert [severity for severity, _ in compared(world)] == [Severity.SKIPPED]


def test_to_verify_writes_no_file(world: WordPressWorld) -> None:
    before = [one.holds for one in world.instances.machines]
    heard(world)
    assert [one.holds for one in world.instances.machines] == before
    assert {one.telling.action for one in world.instances.commands} == {"look"}


def test_an_application_without_instances_is_told_nothing_of_them() -> None:
    found: list[Finding] = [one for one in probe(MemoryWorld(), "read_slots") if one.what in WHATS]
    assert found == []
