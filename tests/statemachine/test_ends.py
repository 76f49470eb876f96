"""What every end says of itself: a good one a summary, a bad one a Cause; also where it could not be put into words."""

import json
import re

import pytest
from rotation.told.cause import LED_TO, LONGEST

from tests.statemachine.interpreted import interpret
from tests.statemachine.machine import shipped
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import KILLED, Answer, Hangs, Raises, Refused, Script, ScriptedLambda
from tests.statemachine.test_events import mode_cases
from tests.statemachine.test_faults import failures, supersessions
from tests.statemachine.test_modes import VERIFY
from tests.statemachine.test_paths import BACK, HAPPILY, NEVER_WELL, RESUME, SYNC, of

INTERPRETED_TOO = True
FAILED: list[Case] = [one.values[0] for one in (*failures(), *supersessions())]  # type: ignore[attr-defined]
RUNNING = Case("running already", {"read_slots": [Raises("RotationAlreadyRunning")]})
MISSING = Case("missing", {"verify": [{"verdict": "fails", "failed": ["sqlconf.php: SqlconfMissing", "TLS: untrusted"]}]}, VERIFY)
IN_USE = Case("admin in use", {"check_drained": [{}, {"admin_in_use": True}]})
UNKNOWN = Case("mode 'rotation'", given={"mode": "rotation"})
BAD = [*FAILED, RUNNING, MISSING, IN_USE, UNKNOWN, NEVER_WELL]
ONE_EACH = [RUNNING, MISSING, IN_USE, UNKNOWN, BACK]

AGAIN = {"read_slots": [{"action": "already rotated"}]}
NOTHING = {"read_slots": [{"action": "nothing to resume"}]}
RESTORED = {"read_slots": [{"action": "restore", "entry": "A"}]}
SYNCED = {"read_slots": [{"action": "sync users"}]}
KEPT = {"read_slots": [{"action": "sync users", "keeps_intent": True}]}
GOOD = [
    *mode_cases(),
    HAPPILY,
    Case("summary: already", AGAIN),
    Case("summary: nothing to resume", NOTHING, RESUME),
    Case("summary: restored", RESTORED, RESUME),
    Case("summary: synced", SYNCED, SYNC),
    Case("summary: synced, with an intent", KEPT, SYNC),
]
ALL_GOOD = {name for name, state in shipped()["States"].items() if state["Type"] == "Succeed"}


@of(*BAD)
def test_a_cause_is_short_and_in_plain_words(run: Execution) -> None:
    assert run.status == "FAILED"
    assert 0 < len(run.cause) <= LONGEST
    assert not re.search(r'[{}\n]|\\"|stackTrace|Traceback|File "', run.cause)
    assert run.cause.startswith("openemr: ")
    assert run.cause.endswith(f"More: rotation explain {run.name}")


def test_the_cases_end_in_every_bad_end() -> None:
    ends = {row.ends for _, row, _ in (one.values for one in failures())} | {"Superseded"}  # type: ignore[attr-defined]
    assert ends | {"RotationAlreadyRunning", "PrerequisiteMissing", "UnknownMode"} == set(LED_TO)


@of(*GOOD)
def test_a_good_end_says_what_it_means(run: Execution) -> None:
    assert run.status == "SUCCEEDED"
    summary = json.loads(run.visits[-1].given)["summary"]
    assert summary.startswith("openemr: ")
    assert summary.endswith(".")
    assert len(summary) <= LONGEST
    assert not re.search(r"[{}]|null", summary)


def test_the_cases_end_in_every_good_end(scripted_lambda: ScriptedLambda) -> None:
    assert {interpret(case, scripted_lambda).terminal for case in GOOD} == ALL_GOOD


# ---- where nobody can put it into words ---------------------------------------------------------------------------------

MUTE: dict[str, Answer] = {
    "killed": KILLED,
    "refused": Refused("TooManyRequestsException", 429),
    "permanent": Raises("UnexpectedError"),
    "hanging": Hangs(),
}


# Twenty-one tries; in mode verify the function was probed with as many before.
def mute(how: str, case: Case) -> Case:
    script: Script = {**case.script, "say_why": [MUTE[how]] * 42}
    gives_up = "SayWhy" if how == "hanging" else None
    return Case(f"{case.name}, {how} words", script, case.given, hurried=True, gives_up=gives_up, everyday=how == "permanent")


ENDS = ["RotationAlreadyRunning", "PrerequisiteMissing", "AdminNotRotated", "UnknownMode", "RolledBack"]
MUTED = [(mute(how, case), end) for how in MUTE for case, end in zip(ONE_EACH, ENDS, strict=True)]


@pytest.mark.parametrize(("run", "end"), MUTED, indirect=["run"], ids=[str(case) for case, _ in MUTED])
def test_a_run_ends_the_same_way_if_nobody_can_say_why(run: Execution, end: str) -> None:
    assert (run.status, run.error, run.terminal) == ("FAILED", end, end)
    assert len(run.cause) <= LONGEST
    assert run.cause.startswith("The run ended: ")
    assert run.cause.endswith(f"Why: rotation explain {run.name}")
