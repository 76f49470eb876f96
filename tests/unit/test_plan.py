"""The answer of a dry run: the machine's own states in their order, and what each would change. No credential is in it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rotation.core.model import Mode
from rotation.core.rollout import Outage
from rotation.core.situation import decide
from rotation.kinds.plan import plan
from rotation.protocol.survey import survey

from tests.worlds.run import Run
from tests.worlds.world import FORMER, FORMER_PASSWORD, MemoryWorld, credential

MACHINE = yaml.safe_load((Path(__file__).parents[2] / "statemachine" / "rotation.asl.yaml").read_text())

ROTATE = [
    ("ClaimRotation", "AWSPENDING of slots: to a version that says what is to become true"),
    ("SyncUsers", "nothing if openemr_b logs in; else openemr_b gets its recorded password"),
    ("WriteSqlconf", "default/sqlconf.php: host, port, login, pass, dbase from openemr_a to openemr_b"),
    ("PatchSecret", "Secret openemr/db: mysql-host, -user, -password, -database to openemr_b"),
    ("RestartApp", "Deployment openemr/openemr: annotations of its pod template change, so every pod is replaced"),
    ("ValidateApp", "nothing: logs in as openemr_b with what the application reads, asks https://openemr.example/login"),
    ("FlipSlot", "AWSCURRENT of slots: active_slot B"),
    ("OverlapWindow", "nothing: waits 0 s"),
    ("CheckDrained", "nothing: waits until openemr_a was not used for 20 s"),
    ("RotateOldSlot", "openemr_a: a new password, beside the old one where the server can keep both"),
    ("DiscardOldPassword", "openemr_a: the old password is refused; AWSCURRENT of slots holds the new one"),
    ("RotateAdmin", "the database admin: a new password; AWSCURRENT of admin holds it"),
    ("ReleaseRotation", "AWSPENDING of slots: to none"),
]
PUBLISHING = ("SyncUsers", "WriteSqlconf", "PatchSecret", "RestartApp", "ValidateApp", "FlipSlot")


def planned(world: MemoryWorld) -> list[tuple[str, str]]:
    steps = Run(world, "dry", Mode.DRY_RUN).read_slots()["plan"]
    assert all(set(step) == {"state", "change"} for step in steps)
    return [(step["state"], step["change"]) for step in steps]


def test_a_rotation_is_told_step_by_step() -> None:
    assert planned(MemoryWorld()) == ROTATE


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.ROTATE])
@pytest.mark.parametrize("why", Outage)
def test_that_a_restart_takes_the_application_down_is_said_before_it_does(
    why: Outage, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a rotation too, and in the part of the answer that ClaimRotation does not compare."""
    world = MemoryWorld()
    usual, told = world.pods.rollout(), Run(world, "run", mode).read_slots()
    monkeypatch.setattr(world.pods, "rollout", lambda: replace(usual, outage=why))
    outage = f"Deployment openemr/openemr {why}: the application is down while its pods are replaced"
    assert Run(world, "run", mode).read_slots() == {**told, "plan": [{"state": "RestartApp", "change": outage}, *told["plan"]]}


def test_that_openemr_would_show_its_setup_is_told_by_a_dry_run_and_stops_nothing() -> None:
    world = MemoryWorld()
    world.file.shows_setup = True
    said = "sqlconf.php: $config is not 1, so OpenEMR shows its setup and not the application; that is left as it is"
    assert planned(world) == [("WriteSqlconf", said), *ROTATE]
    assert Run(world, "run", Mode.ROTATE).read_slots()["action"] == "publish"


def test_an_interrupted_retirement_publishes_nothing() -> None:
    world = MemoryWorld()
    Run(world, "dead").to_drain()
    assert planned(world) == [step for step in ROTATE if step[0] not in PUBLISHING]


def test_a_first_rotation_names_the_user_that_is_replaced() -> None:
    world = MemoryWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    changes = dict(planned(world))
    assert changes["WriteSqlconf"].endswith(f"from {FORMER} to openemr_a")
    assert changes["FlipSlot"].endswith("active_slot A")


def test_where_no_consumer_says_who_is_used_it_is_the_old_slot() -> None:
    world = MemoryWorld()
    steps = plan(decide(survey(world, "r", "me")), world.target, None)
    assert {"state": "WriteSqlconf", "change": dict(ROTATE)["WriteSqlconf"]} in steps


def test_a_rotation_that_is_done_has_no_steps() -> None:
    world = MemoryWorld()
    Run(world, "dry").to_end()
    assert planned(world) == []


def test_the_targets_own_waits_are_told() -> None:
    world = MemoryWorld()
    world.target = replace(world.target, overlap_seconds=77, quiet_seconds=88)
    changes = dict(planned(world))
    assert (changes["OverlapWindow"], "for 88 s" in changes["CheckDrained"]) == ("nothing: waits 77 s", True)


def test_every_step_is_a_state_of_the_machine() -> None:
    states = json.dumps(MACHINE)
    assert not [state for state, _ in ROTATE if f'"{state}": {{' not in states]


@pytest.mark.parametrize("come", [lambda _: None, Run.to_claim, Run.to_drain])
def test_no_password_is_in_it(come: object) -> None:
    world = MemoryWorld()
    assert callable(come)
    come(Run(world, "dead"))
    shown = json.dumps(planned(world))
    assert not [password for password in world.passwords if password in shown]
