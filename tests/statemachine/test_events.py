"""events/: what a person hands to one function, or to the machine, is what the machine really hands over."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.statemachine.happy import IN_A_SWARM, ON_INSTANCES, PROXIED
from tests.statemachine.machine import ROOT, functions, shipped
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import Raises

INTERPRETED_TOO = True
EVENTS = ROOT / "events"
FLEET = {"find_due", "start_target", "look_at_target", "decide_wave", "report_fleet"}
ENTRIES = {"tell_outcome", "rotate_secret"} | FLEET
"""What the machine does not call: EventBridge does (tests/contract/test_told.py hands it its event), Secrets Manager, and the
machine of the fleet (tests/unit/test_fleet_machine.py)."""
MODES = {path.stem: path for path in (EVENTS / "modes").glob("*.json")}


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def shape(value: Any) -> Any:
    """The keys, as deep as they go. Of a list what its items have in common; of the rest nothing: a null may be a name."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(one)) for one in value})
    return "value"


def known_modes() -> set[str]:
    choices = shipped()["States"]["ChooseMode"]["Choices"]
    return {one["StringEquals"] for choice in choices for one in choice.get("Or", [choice])}


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    folders = {path.name for path in (ROOT / "functions").iterdir()}
    assert {path.stem for path in EVENTS.glob("*.json")} == folders == functions() | ENTRIES


def test_every_mode_has_an_input() -> None:
    assert set(MODES) == known_modes() | {"scheduled"}


FINDING = {"severity": "ok", "what": "health page", "found": "it shows the working application", "mend": ""}
FOUND = {function: [{"findings": [FINDING]}] for function in sorted(functions() - {"verify"})}

EVERYWHERE = {
    "forward": Case("events forward", {"check_drained": [{"status": "waiting"}], "check_rollout": [{"status": "waiting"}]}),
    "back": Case("events back", {"flip_slot": [Raises("SourceRefused")]}),
    "proxied": Case(
        "events behind a proxy", {"read_slots": [{**PROXIED, "has_keepers": True}], "check_login": [{"status": "waiting"}]}
    ),
    "instances": Case("events on instances", {"read_slots": [ON_INSTANCES]}),
    "swarm": Case("events in a Swarm", {"read_slots": [IN_A_SWARM]}),
    "permissions": Case("events of fix-permissions", given={"mode": "fix-permissions"}),
    "revoke": Case("events of revoke", given={"mode": "revoke"}),
    "verify": Case("events of verify", {**FOUND, "patch_secret": [Raises("UnexpectedError")]}, {"mode": "verify"}),
}


def made() -> list[Any]:
    """Each function, in the run that reaches it."""
    where = {"close_flip": "back", "fix_permissions": "permissions", "announce_incident": "revoke", "verify": "verify"}
    where |= {"put_secret": "proxied", "check_login": "proxied", "say_why": "back", "write_wp_config": "instances"}
    where |= {"create_swarm_secret": "swarm", "prepare_service": "swarm"}
    pairs = [(EVERYWHERE[where.get(function, "forward")], function) for function in sorted(functions())]
    return [pytest.param(*pair, id=pair[1]) for pair in pairs]


@pytest.mark.parametrize(("run", "function"), made(), indirect=["run"])
def test_an_event_has_exactly_the_keys_that_the_machine_sends(run: Execution, function: str) -> None:
    assert shape(read(EVENTS / f"{function}.json")) in [shape(event) for event in run.given_to(function)]


@pytest.mark.parametrize("function", sorted(functions()))
def test_no_event_holds_a_credential(function: str) -> None:
    text = (EVENTS / f"{function}.json").read_text().lower()
    assert not [word for word in ("password", '"pass"', "secretstring", "token") if word in text]


def mode_cases() -> list[Case]:
    return [Case(f"input {mode}", given=read(path)) for mode, path in sorted(MODES.items())]


@pytest.mark.parametrize("run", mode_cases(), indirect=True, ids=str)
def test_every_input_is_one_that_the_machine_takes(run: Execution) -> None:
    assert run.status == "SUCCEEDED"


@pytest.mark.parametrize("run", [Case("input scheduled", given=read(EVENTS / "modes/scheduled.json"))], indirect=True, ids=str)
def test_the_scheduled_input_says_when_it_was_due(run: Execution) -> None:
    assert run.given_to("read_slots")[0]["scheduled_time"] == "2026-01-05T03:00:00Z"
