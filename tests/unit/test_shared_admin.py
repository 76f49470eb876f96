"""One admin for many targets: one of them rotates it, the others only read its secret, and nobody waits for anybody."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rotation.core.errors import AdminLoginUnknown
from rotation.core.findings import Severity
from rotation.core.model import PENDING, Mode, Password, SecretText
from rotation.core.record import AdminRecord
from rotation.protocol.probes import probe
from rotation.steps.announce_incident import announce_incident

from tests.worlds.run import Run, refused
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MemoryWorld, credential, fields


def sharing(world: MemoryWorld) -> MemoryWorld:
    """The same, seen by a target that does not rotate the admin."""
    world.target = replace(world.target, name="second", rotates_admin=False)
    return world


@pytest.fixture
def world() -> MemoryWorld:
    return sharing(MemoryWorld())


def admin_writes(world: MemoryWorld) -> list[str]:
    return [what for what in world.journal.writes if what.endswith(" of admin") or what == "put admin" or ADMIN in what]


def test_a_rotation_leaves_it_as_it_is(world: MemoryWorld) -> None:
    before = world.admin.labels()
    Run(world).to_end()
    assert world.accepts(credential(ADMIN, ADMIN_PASSWORD))
    assert (world.admin.labels(), admin_writes(world)) == (before, [])


@pytest.mark.parametrize("altered", [False, True], ids=["before the owner's ALTER", "after it"])
@pytest.mark.parametrize("dual_passwords", [True, False])
def test_an_intent_of_its_owner_is_neither_adopted_nor_waited_for(altered: bool, dual_passwords: bool) -> None:
    world = sharing(MemoryWorld(dual_passwords=dual_passwords))
    world.admin.put("the owner's", world.current_admin.with_password(Password("canary-on-its-way")).text(), [PENDING])
    account = world.source.accounts[ADMIN]
    if altered:
        account.password, account.old = "canary-on-its-way", account.password if dual_passwords else None
    before = world.admin.labels()
    Run(world).to_end()
    assert (world.admin.labels(), admin_writes(world)) == (before, [])


def test_while_its_owner_is_stopped_in_the_middle_the_other_rotates_and_then_the_owner_finishes() -> None:
    world = MemoryWorld()
    world.admin.put("the owner's", world.current_admin.with_password(Password("canary-on-its-way")).text(), [PENDING])
    sharing(world)
    Run(world, "the-other").to_end()
    world.target = replace(world.target, rotates_admin=True)
    Run(world, "the-owner-again").to_end()
    assert world.admin.labels().pending is None
    assert world.current_admin.credential.password == Password("canary-on-its-way")


def test_drift_is_not_recorded_by_who_does_not_own_it(world: MemoryWorld) -> None:
    """The version before the current one logs in, and does: its owner's next rotation mends it."""
    world.admin.put("theirs", SecretText(json.dumps(fields(credential(ADMIN, "canary-never-set")))))
    before = world.admin.labels()
    Run(world).to_end()
    assert (world.admin.labels(), admin_writes(world)) == (before, [])


def test_a_password_that_only_a_consumer_knows_is_for_its_owner_to_record(world: MemoryWorld) -> None:
    world.source.accounts[ADMIN].password = "drifted"
    world.secret.holds(credential(ADMIN, "drifted"))
    with refused(world, AdminLoginUnknown, "the target that rotates it has to mend that"):
        Run(world).read_slots()
    assert world.journal.writes == []


def test_what_its_owner_makes_current_between_two_looks_is_found(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Callable[[str], SecretText] = world.admin.read

    def read_late(version: str) -> SecretText:
        text = read(version)
        if world.admin.labels().current == "v0":  # its owner, from beginning to end
            world.admin.put("v1", AdminRecord.parse(text, "admin").with_password(Password("canary-renewed")).text())
            world.source.accounts[ADMIN].password = "canary-renewed"
        return text

    monkeypatch.setattr(world.admin, "read", read_late)
    Run(world).to_end()
    assert AdminRecord.parse(read(world.admin.labels().current), "admin").credential.password == Password("canary-renewed")


def test_a_password_that_nobody_knows_is_tried_once_and_ends_there(world: MemoryWorld) -> None:
    world.source.accounts[ADMIN].password = "changed by somebody"
    with refused(world, AdminLoginUnknown):
        Run(world).read_slots()
    assert world.source.accounts[ADMIN].logins == 1


def test_a_dry_run_says_whose_it_is(world: MemoryWorld) -> None:
    plan = Run(world, mode=Mode.DRY_RUN).read_slots()["plan"]
    (said,) = [one["change"] for one in plan if one["state"] == "RotateAdmin"]
    assert said == "nothing: admin is another target's to rotate (rotates_admin is false)"


def test_verify_says_whose_it_is(world: MemoryWorld) -> None:
    (one,) = [found for found in probe(world, "rotate_admin") if found.what == "admin secret"]
    assert (one.severity, one.found) == (Severity.OK, "it is whole; another target rotates it (rotates_admin is false)")


def test_a_revocation_leaves_it_too_and_says_so(world: MemoryWorld) -> None:
    run = Run(world, mode=Mode.REVOKE)
    run.ask(announce_incident, reason="leaked", started_by="somebody")
    run.to_end()
    assert world.accepts(credential(ADMIN, ADMIN_PASSWORD))
    assert "revoke the target that rotates it, too" in world.announced[0][1]
    assert admin_writes(world) == []
