"""Whatever breaks, wherever: the shipped state machine ends in the terminal state that the runbook explains.

Each row of FAULTS is a Task on one of its ways: forward, restoring (after ValidateApp has failed) or republishing (after the
drain has found a consumer on the old slot). It fails in each of KINDS; the row says where that ends.
"""

from dataclasses import dataclass, field

import pytest

from tests.statemachine.happy import PUBLISHED as STATE_OF
from tests.statemachine.happy import consumer
from tests.statemachine.machine import function_of, shipped, tasks
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import KILLED, Answer, Hangs, Raises, Script

INTERPRETED_TOO = True
PERMANENT = Raises("SourceRefused")
TRANSIENT = Raises("SourceUnreachable")
SUPERSEDED = Raises("RotationSuperseded")

RESTORING: Script = {"validate_app": [PERMANENT]}
REPUBLISHING: Script = {"check_drained": [{"status": "republish"}]}


KIND_OF = {
    "PatchSecret": "secret",
    "PutSecret": "app-secret",
    "CheckLogin": "proxy-secret",
    "WriteWpConfig": "wp-config",
    "CreateSwarmSecret": "swarm-secret",
    "PrepareService": "swarm-service",
    "ValidateService": "swarm-service",
    "CutOverService": "swarm-service",
    "CleanUpService": "swarm-service",
    "RestartApp": "deployment",
    "CheckRollout": "deployment",
}


@dataclass(frozen=True)
class Row:
    state: str
    ends: str
    """The terminal state, unless the rotation was superseded."""
    setting: Script = field(default_factory=dict)
    """How the others answer, so that the run comes this way."""
    before: int = 0
    """How often the state's function answers well before it fails: in an earlier visit, or in another state."""
    superseded: str = "Superseded"
    given: dict[str, str] = field(default_factory=dict)
    """The execution's input."""

    @property
    def function(self) -> str:
        return function_of(tasks(shipped())[self.state])

    @property
    def consumer(self) -> str:
        return KIND_OF.get(self.state, "sqlconf")

    @property
    def way(self) -> str:
        return {id(RESTORING): "restoring", id(REPUBLISHING): "republishing"}.get(id(self.setting), "forward")

    def script(self, fault: Answer, tries: int) -> Script:
        """It fails until the machine gives up, and would answer well if it was asked once more. One consumer is enough."""
        listed = [consumer(0, self.consumer)]
        keepers = {"keepers": listed, "has_keepers": True} if self.state == "CleanUpService" else {}
        others = {"read_slots": [{"consumers": listed, **keepers}]} | dict(self.setting)
        earlier = self.setting.get(self.function, [])
        return others | {self.function: [*earlier, *[{}] * self.before, *[fault] * tries]}

    def case(self, kind: str, fault: Answer, tries: int) -> Case:
        name, gives_up = f"{self.state}-{self.way}-{kind}", self.state if isinstance(fault, Hangs) else None
        script, everyday = self.script(fault, tries), (self.state, self.way) == EVERYDAY[kind]
        return Case(name, script, self.given, hurried=True, gives_up=gives_up, everyday=everyday)


FAULTS = [
    Row("ReadSlots", "RotationRefused", superseded="RotationRefused"),  # holds nothing yet that could be taken
    Row("ClaimRotation", "RotationRefused"),
    Row("SyncUsers", "NothingChanged"),
    # before the flip: back, once it is certain that no flip can land any more
    Row("WriteSqlconf", "RolledBack"),
    Row("PatchSecret", "RolledBack"),
    Row("PutSecret", "RolledBack"),
    Row("CheckLogin", "RolledBack"),
    Row("WriteWpConfig", "RolledBack"),
    Row("CreateSwarmSecret", "RolledBack"),
    Row("PrepareService", "RolledBack"),
    Row("ValidateService", "RolledBack", before=1),
    Row("CutOverService", "RolledBack", before=2),
    Row("RestartApp", "RolledBack"),
    Row("CheckRollout", "RolledBack"),
    Row("ValidateApp", "RolledBack"),
    Row("FlipSlot", "RolledBack"),
    Row("CloseFlip", "FlipUnknown", RESTORING),
    # on the way back
    Row("WriteSqlconf", "RestoreFailed", RESTORING, before=1),
    Row("PatchSecret", "RestoreFailed", RESTORING, before=1),
    Row("PutSecret", "RestoreFailed", RESTORING, before=1),
    Row("CheckLogin", "RestoreFailed", RESTORING, before=1),
    Row("WriteWpConfig", "RestoreFailed", RESTORING, before=1),
    Row("CreateSwarmSecret", "RestoreFailed", RESTORING, before=1),
    Row("PrepareService", "RestoreFailed", RESTORING, before=3),
    Row("RestartApp", "RestoreFailed", RESTORING, before=1),
    Row("CheckRollout", "RestoreFailed", RESTORING, before=1),
    Row("ValidateApp", "RestoreFailed", RESTORING),
    Row("ReleaseRotation", "NotReleased", RESTORING),
    # after the flip: only forward, and the next run finishes
    Row("CheckDrained", "OldSlotNotRotated"),
    Row("WriteSqlconf", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("PatchSecret", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("PutSecret", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("CheckLogin", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("WriteWpConfig", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("CreateSwarmSecret", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("PrepareService", "OldSlotNotRotated", REPUBLISHING, before=3),
    Row("CleanUpService", "OldSlotNotRotated", before=3),
    Row("RestartApp", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("CheckRollout", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("ValidateApp", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("FlipSlot", "OldSlotNotRotated", REPUBLISHING, before=1),
    Row("RotateOldSlot", "OldSlotNotRotated"),
    Row("CheckStillDrained", "OldSlotNotRotated", before=1),
    Row("DiscardOldPassword", "OldSlotNotRotated"),
    Row("RotateAdmin", "AdminNotRotated"),
    Row("ReleaseRotation", "NotReleased"),
    # modes of their own
    Row("FixPermissions", "PermissionsNotFixed", superseded="PermissionsNotFixed", given={"mode": "fix-permissions"}),
    Row("Verify", "PrerequisiteMissing", superseded="PrerequisiteMissing", given={"mode": "verify"}),
]
ENDS_NOTHING = {"AnnounceIncident", "ProbeFunction", "SayWhy"}
"""Tasks whose failure changes nothing: tests/statemachine/test_modes.py, and test_ends.py."""

EVERYDAY = {
    "permanent": ("CloseFlip", "restoring"),
    "transient": ("PatchSecret", "forward"),
    "killed": ("RotateOldSlot", "forward"),
    "hanging": ("CheckRollout", "restoring"),
    "superseded": ("FlipSlot", "republishing"),
}
"""The one of each kind that the engine runs every day."""
# How it fails, and how often it is tried before the machine gives up.
KINDS: dict[str, tuple[Answer, int]] = {
    "permanent": (PERMANENT, 1),
    "transient": (TRANSIENT, 7),
    "killed": (KILLED, 4),
    "hanging": (Hangs(), 4),
}


def failures() -> list[object]:
    pairs = [(row, kind) for kind in KINDS for row in FAULTS]
    made = [(row.case(kind, *KINDS[kind]), row, KINDS[kind][0]) for row, kind in pairs]
    return [pytest.param(*one, id=one[0].name) for one in made]


def supersessions() -> list[object]:
    made = [(row.case("superseded", SUPERSEDED, 1), row) for row in FAULTS]
    return [pytest.param(*one, id=one[0].name) for one in made]


def name_of(fault: Answer) -> str:
    return fault.error if isinstance(fault, Raises) else "States.Timeout"


each_failure = pytest.mark.parametrize(("run", "row", "fault"), failures(), indirect=["run"])
each_supersession = pytest.mark.parametrize(("run", "row"), supersessions(), indirect=["run"])


def test_the_table_has_every_task() -> None:
    assert {row.state for row in FAULTS} | ENDS_NOTHING == set(tasks(shipped()))


@each_failure
def test_a_failure_ends_where_the_runbook_says(run: Execution, row: Row, fault: Answer) -> None:
    assert (run.status, run.error, run.terminal) == ("FAILED", row.ends, row.ends)


@each_failure
def test_the_cause_names_the_step_and_its_error(run: Execution, row: Row, fault: Answer) -> None:
    assert row.state in run.cause
    assert name_of(fault) in run.cause


@each_supersession
def test_a_run_that_was_superseded_stops_there_and_does_nothing_more(run: Execution, row: Row) -> None:
    assert (run.status, run.error, run.terminal) == ("FAILED", row.superseded, row.superseded)
    assert run.called[-1] == row.function


@each_supersession
def test_the_cause_of_a_superseded_run_names_the_step_or_its_consumer(run: Execution, row: Row) -> None:
    assert (row.state if row.state in shipped()["States"] else STATE_OF[row.consumer]) in run.cause
    assert "RotationSuperseded" in run.cause
