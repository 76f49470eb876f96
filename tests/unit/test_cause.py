"""The one sentence about a bad end: what it names, what it leaves out, and how long it may become."""

import json
import re
from typing import Any

import pytest
from rotation.told.cause import LED_TO, LONGEST, Ended, cause
from rotation.told.ways import WAYS_OUT

from local.yaml_text import read_yaml
from tests.statemachine.machine import ASL, State, shipped

RESULTS = [one["Result"] for one in shipped()["States"].values() if "said" in (one.get("Result") or {})]
SAID = {one["state"]: one["said"] for one in RESULTS}
LOREM = "the page does not show its marker, " * 100
NAME, ODD_NAME = "2026-01-05T03-00-00Z", "n" * 80


def raised(error: str, message: str) -> dict[str, str]:
    """As a Catch stores what a function of ours raised."""
    told = {"errorMessage": message, "errorType": error, "requestId": "0" * 36, "stackTrace": ['  File "/opt/python/x.py"\n']}
    return {"Error": error, "Cause": json.dumps(told)}


def inside(step: str, error: str, message: str) -> dict[str, str]:
    return {"Error": "PublishFailed", "Cause": f"{step} failed: {error} {raised(error, message)['Cause']}"}


def of(state: str, failures: dict[str, Any], **more: Any) -> str:
    return cause(
        Ended(**{"target": "openemr", "execution": NAME, "state": state, "said": SAID[state], "failures": failures} | more)
    )


# ---- what it says -------------------------------------------------------------------------------------------------------


def test_it_says_what_happened_and_where_then_step_error_and_where_to_look() -> None:
    failures = {"forward": {"ValidateApp": raised("AppUnhealthy", "openemr: the page does not show its marker")}}
    assert of("RolledBack", failures) == (
        "openemr: rolled back, the application uses the login that it had before. ValidateApp failed with AppUnhealthy: "
        "the page does not show its marker. More: rotation explain 2026-01-05T03-00-00Z"
    )


def test_a_failure_in_the_map_is_called_by_its_step() -> None:
    told = of("RolledBack", {"forward": {"Publish": inside("PatchSecret", "ClusterRefused", "openemr: denied by RBAC")}})
    assert "PatchSecret failed with ClusterRefused: denied by RBAC." in told


def test_a_failed_way_back_says_what_led_to_it() -> None:
    back = inside("WriteSqlconf", "SqlconfMissing", "gone")
    failures = {"forward": {"ValidateApp": raised("AppUnhealthy", "no")}, "Publish": back}
    told = of("RestoreFailed", failures)
    assert "WriteSqlconf failed with SqlconfMissing: gone. Before, ValidateApp failed with AppUnhealthy. More:" in told


def test_a_page_that_is_as_bad_afterwards_is_told_beside_what_led_back() -> None:
    again = {"forward": {"ValidateApp": raised("AppUnhealthy", "no")}, "ValidateApp": raised("AppUnhealthy", "no")}
    assert "Once back, ValidateApp failed with AppUnhealthy too." in of("RolledBack", again)


def test_a_rollback_that_is_not_released_says_both() -> None:
    failures = {"forward": {"FlipSlot": raised("SourceRefused", "no")}, "ReleaseRotation": raised("SecretDenied", "denied")}
    told = of("NotReleased", failures)
    assert "ReleaseRotation failed with SecretDenied: denied. Before, FlipSlot failed with SourceRefused." in told


CAME_BACK = raised("SlotInUse", "a")


@pytest.mark.parametrize(
    ("state", "failures", "step"),
    [
        ("OldSlotNotRotated", {"FlipSlot": raised("A", "a"), "CheckDrained": raised("B", "b")}, "CheckDrained"),
        ("OldSlotNotRotated", {"DiscardOldPassword": CAME_BACK, "Publish": inside("PutSecret", "B", "b")}, "PutSecret"),
        ("OldSlotNotRotated", {"DiscardOldPassword": raised("C", "a"), "FlipSlot": raised("B", "b")}, "DiscardOldPassword"),
        ("RotationRefused", {"AnnounceIncident": raised("A", "a"), "ClaimRotation": raised("B", "b")}, "ClaimRotation"),
        ("RotationRefused", {"ClaimRotation": raised("A", "a"), "ReadSlots": raised("B", "b")}, "ReadSlots"),
        ("Superseded", {"FlipSlot": raised("A", "a"), "SyncUsers": raised("RotationSuperseded", "b")}, "SyncUsers"),
    ],
)
def test_what_the_run_got_over_is_not_what_ended_it(state: str, failures: dict[str, Any], step: str) -> None:
    assert re.findall(r"(\w+) failed with", of(state, failures)) == [step]


def test_prerequisites_that_fail_are_counted_and_named() -> None:
    told = of("PrerequisiteMissing", {}, prerequisites=["sqlconf.php: SqlconfMissing", "TLS: untrusted"])
    assert "2 fail: sqlconf.php: SqlconfMissing; TLS: untrusted." in told
    assert "1 fails: TLS: untrusted." in of("PrerequisiteMissing", {}, prerequisites=["TLS: untrusted"])


def test_a_mode_that_nobody_knows_is_repeated() -> None:
    assert ". Asked for rotat. More:" in of("UnknownMode", {}, mode="rotat")
    assert "Asked" not in of("UnknownMode", {}, mode={"mode": "rotate"})


def test_json_that_lambda_quotes_is_left_out() -> None:
    said = 'The cause could not be determined. Returned payload: {"errorMessage":"killed"}'
    told = of("NothingChanged", {"SyncUsers": {"Error": "Lambda.Unknown", "Cause": said}})
    assert "SyncUsers failed with Lambda.Unknown: The cause could not" in told
    assert "{" not in told


def test_a_failure_without_a_word_is_named_all_the_same() -> None:
    silent = {"SyncUsers": {"Error": "States.Timeout", "Cause": ""}}
    assert "SyncUsers failed with States.Timeout. More:" in of("NothingChanged", silent)


@pytest.mark.parametrize("odd", [None, [], "text", {"Error": None}, {"SyncUsers": None}, {"forward": []}])
def test_what_is_not_as_the_machine_writes_it_is_passed_over(odd: Any) -> None:
    failures = odd if isinstance(odd, dict) else {"SyncUsers": odd}
    assert of("NothingChanged", failures).startswith("openemr: the application is untouched")


# ---- how long -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", SAID)
@pytest.mark.parametrize("error", [*WAYS_OUT, "Lambda.ClientExecutionTimeoutException", "x" * 200])
def test_no_cause_is_longer_than_people_read(state: str, error: str) -> None:
    """Whatever a target, an execution or an error is called."""
    step = max(LED_TO[state], key=len, default="ReadSlots")
    failures = {step: raised(error, LOREM), "forward": {"Publish": inside("RotationSomethingLong", error, LOREM)}}
    for target, name in (("openemr", NAME), ("t" * 500, ODD_NAME), ('{"odd": 1}\n' * 9, ODD_NAME)):
        told = of(state, failures, target=target, execution=name, prerequisites=[LOREM, LOREM], mode=LOREM)
        assert len(told) <= LONGEST
        assert told.endswith(f"More: rotation explain {name}")
        assert "\n" not in told
        assert "stackTrace" not in told
        assert f": {SAID[state]}." in told


@pytest.mark.parametrize("state", set(SAID) - {"UnknownMode", "PrerequisiteMissing"})
def test_there_is_room_for_step_and_error_beside_the_longest_names(state: str) -> None:
    error, step = max(WAYS_OUT, key=len), max(LED_TO[state], key=len)
    told = of(state, {step: raised(error, "m"), "forward": {step: raised(error, "m")}}, target="t" * 40, execution=ODD_NAME)
    assert state == "Superseded" or f"{step} failed with {error}" in told


# ---- and the machine ----------------------------------------------------------------------------------------------------


def test_every_bad_end_is_said_in_the_machine_and_explained_here() -> None:
    bad = {name for name, state in shipped()["States"].items() if state["Type"] == "Fail"}
    assert set(SAID) == set(LED_TO) == bad


def ends_after(state: str) -> set[str]:
    """Where it may lead without another step being asked."""
    machine: dict[str, State] = shipped()["States"]
    found, new = set(), {state}
    while new:
        found |= new
        ways = [machine[one] for one in new if machine[one]["Type"] in ("Choice", "Pass")]
        nexts = {way[key] for way in ways for key in ("Next", "Default") if key in way}
        new = (nexts | {rule["Next"] for way in ways for rule in way.get("Choices", [])}) - found
    return {one.removeprefix("EndAs") for one in found if one.startswith("EndAs")} & set(SAID)


BACK = {"RolledBack"}
"""A run ends so after what failed has been undone; its failures are told by the step that made it turn back."""


@pytest.mark.parametrize("state", sorted(set(SAID) - BACK))
def test_the_steps_that_lead_to_an_end_are_those_that_the_machine_has(state: str) -> None:
    led = {
        name for name, one in shipped()["States"].items() for catch in one.get("Catch", []) if state in ends_after(catch["Next"])
    }
    if "ChooseAdmin" in LED_TO[state]:
        led |= {"ChooseAdmin"}  # not a step, and writes a failure of its own
    if state == "RestoreFailed":
        led -= {"FlipSlot"}  # nothing is flipped on the way back
    assert led - {"SayWhy"} == set(LED_TO[state])


def test_the_way_back_is_taken_after_exactly_these_steps() -> None:
    turns = {name for name, one in shipped()["States"].items() if any(c["Next"] == "ChooseWayBack" for c in one.get("Catch", []))}
    assert turns == set(LED_TO["RolledBack"])
    assert read_yaml(ASL.read_text())["States"]["RememberWhy"]["Parameters"] == {"forward.$": "$.failures"}
