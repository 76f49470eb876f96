"""A login is a Swarm secret of its own: what it is called, what its labels say, which of them is ours."""

import pytest
from rotation.consumers.swarm import versions
from rotation.consumers.swarm.versions import SECRET, VERSION, Stored
from rotation.core.errors import SwarmValueTooLarge, TargetInvalid

MINE = versions.own("shop", "arn:aws:secretsmanager:::secret:shop")
OTHER_STACK = versions.own("shop", "arn:aws:secretsmanager:::secret:shop-staging")
BASE = "postgres_password"


def stored(name: str, version: str = "", mine: dict[str, str] = MINE, base: str = BASE) -> Stored:
    """Without a version, somebody else's."""
    return Stored(f"id-of-{name}", name, {**mine, SECRET: base, VERSION: version} if version else {})


@pytest.mark.parametrize(
    ("there", "following"),
    [
        ([], "postgres_password_v1"),
        (["postgres_password"], "postgres_password_v1"),
        (["postgres_password_v1", "postgres_password_v2"], "postgres_password_v3"),
        (["postgres_password_v9", "postgres_password_v10"], "postgres_password_v11"),
        (["postgres_password_v7"], "postgres_password_v8"),
        (["postgres_password_v007"], "postgres_password_v8"),
        (
            ["postgres_password_old_v3", "xpostgres_password_v4", "postgres_password_v5b", "postgres_password_v"],
            "postgres_password_v1",
        ),
        (["postgresXpassword_v3"], "postgres_password_v1"),
    ],
)
def test_the_next_number_is_found_by_looking(there: list[str], following: str) -> None:
    assert versions.next_name(BASE, there) == following


def test_a_dot_in_a_name_is_a_dot() -> None:
    assert versions.next_name("a.b", ["aXb_v3"]) == "a.b_v1"


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("postgres_password", True),
        ("postgres_password_v1", True),
        ("postgres_password_v12", True),
        ("postgres_password_vx", False),
        ("postgres_password_v", False),
        ("postgres_password_old", False),
        ("my_postgres_password_v1", False),
    ],
)
def test_a_version_is_known_by_its_name(name: str, belongs: bool) -> None:
    assert versions.is_of(BASE, name) is belongs


@pytest.mark.parametrize("base", ["", "_a", "a_", "a b", "a/b", "pässword", "-a", "a\n"])
def test_a_name_that_the_engine_would_not_take_is_refused(base: str) -> None:
    with pytest.raises(TargetInvalid):
        versions.check_base(base)


@pytest.mark.parametrize("base", ["a", "a1", "postgres_password", "shop.db-password", "a" * versions.LONGEST_BASE])
def test_a_name_that_it_takes_passes(base: str) -> None:
    versions.check_base(base)


def test_a_name_too_long_for_its_numbers_is_refused_with_what_would_do() -> None:
    with pytest.raises(TargetInvalid, match=f"Take {versions.LONGEST_BASE} at most"):
        versions.check_base("a" * (versions.LONGEST_BASE + 1))


def test_a_number_that_makes_a_name_too_long_is_refused() -> None:
    base = "a" * versions.LONGEST_BASE
    assert len(versions.next_name(base, [f"{base}_v99998"])) == versions.LONGEST_NAME
    with pytest.raises(TargetInvalid, match="more than 64 characters"):
        versions.next_name(base, [f"{base}_v99999"])


def test_a_value_has_as_many_bytes_as_the_engine_takes_and_no_more() -> None:
    versions.check_value(BASE, b"x" * 511_999)
    with pytest.raises(SwarmValueTooLarge, match="512000 bytes"):
        versions.check_value(BASE, b"x" * 512_000)


def test_no_label_says_anything_of_the_value() -> None:
    assert set(stored("n", "v1").labels.values()) == {*MINE.values(), BASE, "v1"}


THERE = [
    stored("postgres_password"),
    stored("postgres_password_v1", "version-1"),
    stored("postgres_password_v3", "version-2"),
    stored("postgres_password_v2", "version-2"),
    stored("postgres_password_v4", "version-2", OTHER_STACK),
    stored("postgres_password_v5", "version-3", OTHER_STACK),
    stored("postgres_user_v1", "version-2", base="postgres_user"),
]


@pytest.mark.parametrize(
    ("version", "name"), [("version-1", "postgres_password_v1"), ("version-2", "postgres_password_v2"), ("version-3", None)]
)
def test_a_name_that_exists_with_our_labels_is_ours(version: str, name: str | None) -> None:
    found = versions.find(THERE, MINE, BASE, version)
    assert (found.name if found else None) == name


def test_the_second_of_two_by_number_is_not_taken_by_its_spelling() -> None:
    both = [stored("postgres_password_v10", "version-1"), stored("postgres_password_v9", "version-1")]
    found = versions.find(both, MINE, BASE, "version-1")
    assert found is not None
    assert found.name == "postgres_password_v9"


def test_what_is_superseded_is_ours_and_another_version_or_a_second_of_this_one() -> None:
    found = versions.superseded(THERE, MINE, BASE, "version-2")
    assert [one.name for one in found] == ["postgres_password_v1", "postgres_password_v3"]


def test_nothing_is_superseded_by_what_is_not_there() -> None:
    assert versions.superseded(THERE, MINE, BASE, "version-9") == []


def test_what_the_engine_lists_is_read_without_labels_too() -> None:
    assert Stored.of({"ID": "1", "Spec": {"Name": "a", "Labels": None}}) == Stored("1", "a", {})
