"""Where a login is looked for, and what is newer than what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from credential_reader.places import Places
from credential_reader.shapes import Login, Shape

SHAPE = Shape("shop")


def places(folder: Path) -> Places:
    return Places("postgres_password", folder, "POSTGRES_PASSWORD")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("postgres_password", "POSTGRES_PASSWORD"),
        ("shop-db.password", "SHOP_DB_PASSWORD"),
        ("db2", "DB2"),
    ],
)
def test_the_environment_has_the_name_in_capitals(name: str, variable: str) -> None:
    assert Places.variable_of(name) == variable


def test_versions_are_ordered_by_number_and_not_as_texts(tmp_path: Path, mount: Callable[..., None]) -> None:
    mount(postgres_password_v9="", postgres_password_v10="", postgres_password_v2="", postgres_password="")
    names = [path.name for path in places(tmp_path).files({})]
    assert names == ["postgres_password_v10", "postgres_password_v9", "postgres_password_v2", "postgres_password"]


def test_other_secrets_of_the_folder_are_not_taken(tmp_path: Path, mount: Callable[..., None]) -> None:
    mount(
        postgres_password_admin_v3="",
        old_postgres_password_v3="",
        postgres_password_v="",
        postgres_password_v3a="",
        postgres_password_v1_v4="",
    )
    assert places(tmp_path).files({}) == [tmp_path / "postgres_password"]


@pytest.mark.parametrize(
    ("environment", "order"),
    [
        ({"_FILE": "/a/x_v1", "_FILE_NEW": "/a/x_v2"}, ["/a/x_v2", "/a/x_v1"]),
        ({"_FILE": "/a/x_v3", "_FILE_NEW": "/a/x_v2"}, ["/a/x_v3", "/a/x_v2"]),
        ({"_FILE": "/a/current", "_FILE_NEW": "/a/next"}, ["/a/next", "/a/current"]),
        ({"_FILE": "/a/x_v9", "_FILE_NEW": "/a/next"}, ["/a/next", "/a/x_v9"]),
        ({"_FILE": "/a/current", "_FILE_NEW": "/a/x_v1"}, ["/a/x_v1", "/a/current"]),
        ({"_FILE": "/a/same", "_FILE_NEW": "/a/same"}, ["/a/same"]),
        ({"_FILE": "", "_FILE_NEW": ""}, []),
    ],
)
def test_files_that_the_environment_names(tmp_path: Path, environment: dict[str, str], order: list[str]) -> None:
    given = {f"POSTGRES_PASSWORD{ending}": path for ending, path in environment.items()}
    assert places(tmp_path).files(given) == [*map(Path, order), tmp_path / "postgres_password"]


def test_a_newer_version_of_the_folder_goes_before_files_that_the_environment_still_names(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    mount(postgres_password_v1="", postgres_password_v2="", postgres_password_v3="")
    environment = {
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "postgres_password_v1"),
        "POSTGRES_PASSWORD_FILE_NEW": str(tmp_path / "postgres_password_v2"),
    }
    names = [path.name for path in places(tmp_path).files(environment)]
    assert names == ["postgres_password_v3", "postgres_password_v2", "postgres_password_v1", "postgres_password"]


def test_the_environment_itself_comes_last(tmp_path: Path, mount: Callable[..., None]) -> None:
    mount(postgres_password="of the file")
    reading = places(tmp_path).read({"POSTGRES_PASSWORD": "of the environment"}, SHAPE)
    assert [(one.place, one.login.password) for one in reading.found] == [
        (str(tmp_path / "postgres_password"), "of the file"),
        ("$POSTGRES_PASSWORD", "of the environment"),
    ]


def test_what_two_places_say_is_one_login(tmp_path: Path, mount: Callable[..., None]) -> None:
    mount(postgres_password_v2="same\n", postgres_password="same")
    (only,) = places(tmp_path).read({"POSTGRES_PASSWORD": "same"}, SHAPE).found
    assert only.place == str(tmp_path / "postgres_password_v2")
    assert only.login == Login("shop", "same")


def test_it_says_of_each_place_why_there_is_nothing(tmp_path: Path, mount: Callable[..., None]) -> None:
    (tmp_path / "postgres_password_v4").mkdir()
    (tmp_path / "postgres_password_v3").write_bytes(b"\xff\xfe\x00")
    mount(postgres_password_v2="\n", postgres_password_v1='{"username": "shop"}')
    reading = places(tmp_path).read({}, SHAPE)
    assert reading.found == ()
    assert reading.unusable == (
        f"{tmp_path}/postgres_password_v4: Is a directory",
        f"{tmp_path}/postgres_password_v3: not UTF-8",
        f"{tmp_path}/postgres_password_v2: empty",
        f"{tmp_path}/postgres_password_v1: a JSON document without the key 'password'",
        f"{tmp_path}/postgres_password: No such file or directory",
        "$POSTGRES_PASSWORD: not set",
    )


def test_a_folder_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    reading = places(tmp_path / "nowhere").read({"POSTGRES_PASSWORD": "p"}, SHAPE)
    assert [one.place for one in reading.found] == ["$POSTGRES_PASSWORD"]
