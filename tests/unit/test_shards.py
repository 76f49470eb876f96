"""Every test of every tier is in exactly one shard, and the shards end at about the same time."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.shards.dealing import FOLDERS, MEASURES, ROOT, SHARDS, WHOLE_FOLDERS, all_dealt, dealt, unit_of, units
from tests.shards.shard import Shard


def test_every_file_is_dealt_once_but_those_of_a_real_cluster() -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
    beside = {file for file in files if file.startswith(("tests/cluster/", *(f"{folder}/" for folder in WHOLE_FOLDERS)))}
    dealt_out = [file for hand in all_dealt({}).values() for file in hand]
    assert sorted([*dealt_out, *MEASURES]) == sorted((files - beside) | set(WHOLE_FOLDERS))


def test_a_folder_that_needs_no_servers_goes_where_least_is_to_be_done() -> None:
    seconds = dict.fromkeys([*units("e2e"), *units("other")], 1.0) | dict.fromkeys(WHOLE_FOLDERS, 0.5)
    shards = all_dealt({**seconds, units("e2e")[0]: 1_000.0, units("other")[0]: 1_000.0})
    idle = sorted(shards, key=lambda name: len(shards[name]))[2:]
    assert all(name in idle for name, hand in shards.items() if set(hand) & set(WHOLE_FOLDERS))
    assert sum(len(set(hand) & set(WHOLE_FOLDERS)) for hand in shards.values()) == len(WHOLE_FOLDERS)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_longest_go_first_and_nothing_is_lost(count: int) -> None:
    seconds = {"a": 100.0, "b": 60.0, "c": 50.0, "d": 1.0}
    hands = dealt(list(seconds), seconds, count)
    assert sorted(file for hand in hands for file in hand) == sorted(seconds)
    assert len(hands) == min(count, len(seconds))
    if count == 2:
        assert hands == [["a", "d"], ["b", "c"]]


def test_a_file_that_nobody_has_timed_yet_counts_as_if_it_had_been() -> None:
    assert dealt(["new", "b", "c"], {"b": 25.0, "c": 6.0}, 2) == [["new"], ["b", "c"]]


@pytest.mark.parametrize(
    ("module", "unit"), [("tests.unit.test_x", "tests/unit"), ("tests.e2e.test_y.TestIt", "tests/e2e/test_y.py")]
)
def test_a_test_is_timed_with_what_is_dealt(module: str, unit: str) -> None:
    assert unit_of(module) == unit


def test_why_tests_were_skipped_is_counted_by_the_reason(tmp_path: Path) -> None:
    shard = Shard("some", [], tmp_path)
    skips = "".join(f'<testcase><skipped message="{why}"/></testcase>' for why in ("no root", "too long", "no root"))
    shard._read(ElementTree.fromstring(f"<testsuites><testcase/>{skips}</testsuites>"))  # noqa: S314 - our own
    assert shard.skips == {"no root": 2, "too long": 1}
    assert shard.counts == {"skipped": 3, "passed": 1}


def test_there_is_a_number_of_shards_for_every_group() -> None:
    assert set(SHARDS) == set(FOLDERS)
