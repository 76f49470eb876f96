"""What the demo can be told, and how it refuses what makes no sense."""

from pathlib import Path

import pytest

from local.options import FAILURES, NOTHING, Options


def test_nothing_said_means_two_rotations_and_a_rollout_that_fails() -> None:
    page = Path(__file__).resolve().parents[2] / ".demo" / "demo.html"
    assert Options.parse({}) == Options(rotations=2, pods=3, rate=40, fail="CheckRollout", outage=False, page=page)


def test_everything_can_be_said() -> None:
    told = {"ROTATIONS": "10", "PODS": "5", "RATE": "80", "FAIL": "FlipSlot", "OUTAGE": "1", "PAGE": "/there/it.html"}
    assert Options.parse(told) == Options(10, 5, 80, "FlipSlot", outage=True, page=Path("/there/it.html"))


@pytest.mark.parametrize("state", [*FAILURES, NOTHING])
def test_every_state_can_be_made_to_fail(state: str) -> None:
    assert Options.parse({"FAIL": state}).fail == state


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ROTATIONS", "two", "whole number from 0 to 1000"),
        ("PODS", "0", "whole number from 1 to 100"),
        ("RATE", "-1", "whole number from 1 to 1000"),
        ("FAIL", "Flip", "there is no such state. One of: ReadSlots"),
        ("PAGE", "/", "this is a folder"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}={value}: .*{why}"):
        Options.parse({name: value})
