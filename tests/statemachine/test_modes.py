"""Modes that go ways of their own: `verify` asks every function, `revoke` rotates twice."""

from typing import Any

from tests.statemachine.machine import functions
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import KILLED, Raises, Script
from tests.statemachine.test_paths import RETIRE, SPINE, of

INTERPRETED_TOO = True
VERIFY: dict[str, Any] = {"mode": "verify"}
REVOKE: dict[str, Any] = {"mode": "revoke", "reason": "a laptop was stolen", "started_by": "oncall"}
MISSING = {"severity": "failed", "what": "sqlconf.php", "found": "SqlconfMissing", "mend": "mount it"}

# ---- verify -------------------------------------------------------------------------------------------------------------


@of(Case("verified", given=VERIFY))
def test_every_function_is_asked_to_probe_and_one_gathers_what_they_found(run: Execution) -> None:
    assert (run.status, run.terminal) == ("SUCCEEDED", "Verified")
    assert sorted(run.called) == sorted(functions())
    assert run.called[-1] == "verify"
    assert all(one.event["probe"] is True for one in run.invocations[:-1])
    assert [one["function"] for one in run.given_to("verify")[0]["probes"]] == run.called[:-1]


@of(Case("verified with findings", {"write_sqlconf": [{"findings": [MISSING]}]}, VERIFY))
def test_what_a_function_found_reaches_the_one_that_gathers(run: Execution) -> None:
    (told,) = [one for one in run.given_to("verify")[0]["probes"] if one["function"] == "write_sqlconf"]
    assert told == {"function": "write_sqlconf", "findings": [MISSING]}


@of(Case("verified by few", {"patch_secret": [KILLED] * 4, "flip_slot": [Raises("UnexpectedError")]}, VERIFY, hurried=True))
def test_a_function_that_fails_is_told_and_the_others_are_asked(run: Execution) -> None:
    assert run.terminal == "Verified"  # the one that gathers decides, and it is scripted
    told = {one["function"]: one for one in run.given_to("verify")[0]["probes"]}
    assert (told["patch_secret"]["failure"]["Error"], told["flip_slot"]["failure"]["Error"]) == (
        "Runtime.ExitError",
        "UnexpectedError",
    )
    assert set(told) == functions() - {"verify"}


@of(Case("verified and wanting", {"verify": [{"verdict": "fails", "failed": ["sqlconf.php: SqlconfMissing"]}]}, VERIFY))
def test_one_failed_prerequisite_fails_the_run_and_its_cause_names_it(run: Execution) -> None:
    assert (run.status, run.error) == ("FAILED", "PrerequisiteMissing")
    assert "sqlconf.php: SqlconfMissing" in run.cause


# ---- revoke -------------------------------------------------------------------------------------------------------------

ROUND = SPINE[SPINE.index("ReadSlots") : SPINE.index("EndAsRotationSucceeded")]
BEGIN = ["Begin", "ReadInput", "ChooseMode", "AnnounceIncident"]


@of(Case("revoked", given=REVOKE))
def test_people_are_told_then_both_slots_are_rotated(run: Execution) -> None:
    assert run.path == [*BEGIN, *ROUND, "NextRound", "RotateNext", "ForwardAgain", *ROUND, "EndAsRevoked", "Revoked"]
    assert run.status == "SUCCEEDED"


@of(Case("revoked", given=REVOKE))
def test_who_announces_is_told_why_and_by_whom(run: Execution) -> None:
    (told,) = run.given_to("announce_incident")
    assert (told["reason"], told["started_by"]) == ("a laptop was stolen", "oncall")


@of(Case("revoked", given=REVOKE))
def test_the_steps_that_would_wait_for_others_know_that_they_are_not_to(run: Execution) -> None:
    for function in ("read_slots", "claim_rotation", "check_drained", "rotate_old_slot", "discard_old_password", "rotate_admin"):
        assert {event["mode"] for event in run.given_to(function)} == {"revoke"}, function


@of(Case("revoked", given=REVOKE))
def test_the_second_round_drains_afresh(run: Execution) -> None:
    looks = run.given_to("check_drained")
    assert [bool(look["drain"]) for look in looks] == [False, True, False, True]


@of(Case("revoked, nobody told", {"announce_incident": [Raises("NotAnnounced")]}, REVOKE))
def test_that_nobody_could_be_told_stops_nothing(run: Execution) -> None:
    assert run.terminal == "Revoked"


FINISHES_FIRST: Script = {"read_slots": [RETIRE]}


@of(Case("revoked after a retirement", FINISHES_FIRST, REVOKE))
def test_what_an_older_run_left_is_finished_before_the_two_rounds(run: Execution) -> None:
    assert run.called.count("read_slots") == 3
    assert run.called.count("write_sqlconf") == 2
    assert run.terminal == "Revoked"


@of(Case("revoked and rolled back", {"validate_app": [Raises("AppUnhealthy")] * 7}, REVOKE, hurried=True))
def test_a_revocation_that_was_rolled_back_does_not_say_that_it_is_done(run: Execution) -> None:
    assert (run.status, run.terminal) == ("FAILED", "RolledBack")


MOVED: Script = {"claim_rotation": [Raises("SituationChanged"), Raises("RotationAlreadyRunning")]}


@of(Case("revoked at the second look", MOVED, REVOKE))
def test_a_revocation_that_missed_its_claim_looks_again(run: Execution) -> None:
    assert run.called.count("read_slots") == 4
    assert run.terminal == "Revoked"


@of(Case("rotated at no second look", {"claim_rotation": [Raises("SituationChanged")]}))
def test_a_rotation_that_missed_its_claim_does_not(run: Execution) -> None:
    assert run.terminal == "RotationRefused"


@of(Case("rotated by another", {"claim_rotation": [Raises("RotationAlreadyRunning")]}))
def test_a_rotation_that_another_one_overtook_says_so(run: Execution) -> None:
    assert run.terminal == "RotationAlreadyRunning"


@of(Case("revoked", given=REVOKE))
def test_the_admin_is_renewed_in_each_round(run: Execution) -> None:
    assert [event["round"] for event in run.given_to("rotate_admin")] == [1, 2]
