"""A run is shown again from the name of its faults, as `make faults` prints them."""

import pytest

from tests.faults.__main__ import main
from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.teeth.mutation import in_the_machine
from tests.faults.teeth.order import straight_back
from tests.faults.walk.again import again, names
from tests.worlds.invocation import known_passwords

FLIP_LANDED = "run-1 FlipSlot 3 (swap AWSCURRENT of slots): fails after"
LATE = (
    "run-1 PatchSecret 1 (pending of slots): stopped, acts late | [PatchSecret ABORTED]"
    " | run-2 PatchSecret before 1: the late one acts"
)


def test_a_path_as_it_is_printed_names_its_faults() -> None:
    path = f"{LATE} | then at run-1 patch_secret 4 (publish Secret openemr/db)"
    first, second = names(path)
    assert first.endswith("stopped, acts late")
    assert second == "run-2 PatchSecret before 1: the late one acts"


def test_the_run_is_followed_until_it_is_at_rest() -> None:
    with known_passwords():
        shown = again(SCENARIOS["from A"], FLIP_LANDED)
    assert not shown.violation
    assert not shown.missing
    assert shown.said[9:11] == (FLIP_LANDED, "run-1 CloseFlip"), "the machine asks whether it landed"
    assert shown.said[-1] == "run-2 RotationSucceeded"


def test_what_it_breaks_is_shown() -> None:
    with known_passwords(), in_the_machine(straight_back)():
        shown = again(SCENARIOS["from A"], FLIP_LANDED)
    assert shown.violation
    assert shown.violation.law == "I5"
    assert shown.said[-1] == "run-1 WriteSqlconf"


def test_somebody_who_acts_late_does_so_where_the_path_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONLY", "from A")
    monkeypatch.setenv("FAULT", LATE)
    assert main() == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line in LATE] == LATE.split(" | ")
    assert said[-1] == "nothing is broken"


@pytest.mark.parametrize(
    ("scenario", "fault", "says"), [("", "x", "FAULT needs ONLY"), ("from A", "run-1 Nowhere 1", "no run comes to")]
)
def test_a_name_that_nothing_has_is_refused(
    scenario: str, fault: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONLY", scenario)
    monkeypatch.setenv("FAULT", fault)
    assert main() == 2
    assert says in capsys.readouterr().err
