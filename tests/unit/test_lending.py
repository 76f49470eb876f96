"""What a failed test leaves behind is put back, or there is a new world; the tests after it never see it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from tests.e2e.lending import Lender


@dataclass
class MadeUp:
    """`mend`: what putting it back does."""

    well: bool = True
    mend: str = "heals"
    closed: bool = False
    begun: int = 0
    never: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        assert self.well
        self.begun += 1

    def assert_well(self, *, always_served: bool) -> None:
        assert self.well

    def put_back(self) -> None:
        if self.mend == "hangs":
            self.never.wait(5)
        if self.mend == "fails":
            raise RuntimeError("beyond help")
        self.well = True

    def close(self) -> None:
        self.closed = True
        self.never.set()


@dataclass
class Lent:
    worlds: list[MadeUp]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        waiting = iter(self.worlds)
        self.lender = Lender(lambda: next(waiting), self.said.append, patience=0.05)

    def test(self, *, harms: bool = False, fails: bool = False) -> MadeUp:
        with self.lender.lend("it", lambda: fails) as world:
            world.well = not harms
        return world


@pytest.mark.parametrize("harms", [True, False])
def test_after_a_failed_test_the_same_world_is_well(harms: bool) -> None:
    lent = Lent([MadeUp()])
    lent.test(harms=harms, fails=True)
    assert lent.test().well
    assert lent.said == ["after it: its world was put back"]


def test_a_test_that_passes_and_leaves_harm_fails_itself_and_the_next_does_not() -> None:
    lent = Lent([MadeUp()])
    with pytest.raises(AssertionError):
        lent.test(harms=True)
    assert lent.test().begun == 2


@pytest.mark.parametrize("mend", ["fails", "hangs"])
def test_a_world_that_cannot_be_put_back_is_closed_and_the_next_test_has_a_new_one(mend: str) -> None:
    lent = Lent([MadeUp(mend=mend), MadeUp()])
    first = lent.test(harms=True, fails=True)
    assert first.closed
    assert lent.test() is lent.worlds[1]
    assert "a new world" in lent.said[0]


def test_what_the_last_checks_of_a_given_up_world_find_is_the_failed_tests_own() -> None:
    lent = Lent([MadeUp(mend="fails"), MadeUp()])
    lent.worlds[0].close = lambda: pytest.fail("a password lies about")  # type: ignore[method-assign]
    with pytest.raises(pytest.fail.Exception):
        lent.test(harms=True, fails=True)
    assert lent.test() is lent.worlds[1]


def test_a_world_that_is_well_is_used_by_all_and_closed_in_the_end() -> None:
    lent = Lent([MadeUp()])
    assert lent.test() is lent.test()
    lent.lender.close()
    assert lent.worlds[0].closed
    assert lent.said == []
