"""What `make compare` counts of the logins that it saw."""

import pytest

from local.options import CompareOptions
from local.vault import crashes
from local.vault.compare import Came, Tried, came, spreads, table
from local.vault.crashes import Left, left

TRIED = [
    Tried(0.0, "first", ""),
    Tried(1.0, "first", ""),
    Tried(1.5, "second", ""),
    Tried(2.0, "first", "DatabaseError"),
    Tried(2.5, "", "TimeoutError"),
    Tried(3.0, "second", ""),
    Tried(4.0, "third", ""),
]


def test_a_change_lasts_from_the_first_with_the_new_password_to_the_last_with_the_old() -> None:
    assert list(spreads(TRIED)) == [0.5, 0.0]
    assert list(spreads([])) == []


def test_failures_are_counted_with_their_reasons_in_whatever_order_clients_wrote() -> None:
    found = came("somebody", 2.0, 2, reversed(TRIED))
    assert found == Came("somebody", 2.0, 2, 7, 2, "1 DatabaseError, 1 TimeoutError", 0.5)


def test_the_table_says_who_lost_how_many() -> None:
    *_, anew, kept = table([came("one", 0.0, 2, TRIED[:2]), came("another", 10.0, 3, TRIED)])
    assert anew == "| anew for each login | one | 2 | 0 of 2 | 0.0 s |"
    assert kept == "| and keeps it 10 s | another | 3 | 2 of 7 | 0.5 s |"


def test_what_can_be_varied() -> None:
    assert CompareOptions.parse({}) == CompareOptions(3, 40)
    assert CompareOptions.parse({"ROTATIONS": "5", "RATE": "10"}) == CompareOptions(5, 10)
    with pytest.raises(ValueError, match="ROTATIONS=no: a whole number from 1 to 100 is wanted"):
        CompareOptions.parse({"ROTATIONS": "no"})


def test_after_a_crash_only_logins_count_that_were_read_when_all_ran_again() -> None:
    tried = [
        Tried(1.0, "first", "DatabaseError"),  # while OpenBao was down
        Tried(3.0, "", "ConnectionRefusedError"),  # nothing was read
        Tried(4.0, "first", "DatabaseError"),
        Tried(6.5, "first", "DatabaseError"),
        Tried(7.0, "second", ""),
    ]
    assert left("somebody", "something", tried, back=2.0, ended=20.0) == Left("somebody", "something", 3, 2, 4.5)


def test_it_is_not_over_as_long_as_a_failure_is_near() -> None:
    tried = [Tried(4.0, "first", "DatabaseError")]
    assert left("somebody", "something", tried, back=2.0, ended=8.0).until is None
    assert left("somebody", "something", [], back=2.0, ended=20.0).until == 0.0


def test_what_a_crash_left_is_a_row() -> None:
    rows = list(crashes.table([Left("one", "it", 1234, 5, 4.5, "by itself"), Left("two", "it", 1, 1, None)]))
    assert rows[2:] == ["| one | it | 5 of 1,234 | 4.5 s | by itself |", "| two | it | 1 of 1 | more than 90 s |  |"]
