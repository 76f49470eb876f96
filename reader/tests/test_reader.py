"""The newest login that works is used, kept, and sought again when it is due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from credential_reader import Login, NoneLogsIn, NothingToTry, Reader
from reader.tests.database import Database, WrongPassword, first_file_that_exists, is_wrong_password

OLD, NEW = ("shop", "old"), ("shop", "new")
Mount = Callable[..., None]


def test_the_newest_is_taken_though_the_old_one_works_too(reader: Reader, mount: Mount) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD, NEW)
    assert reader.connect(database.log_in) == "shop by new"
    assert database.asked == ["new"]


def test_while_the_newest_is_refused_the_one_before_it_is_taken(reader: Reader, mount: Mount) -> None:
    """Mounted, and not yet the database's."""
    mount(postgres_password_v1="old", postgres_password_v2="new")
    assert reader.connect(Database(OLD).log_in) == "shop by old"


def test_what_logged_in_is_remembered(reader: Reader, mount: Mount) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD)
    for _ in range(3):
        reader.connect(database.log_in)
    assert database.asked == ["new", "old", "old", "old"]


def test_a_refused_login_makes_it_look_again(reader: Reader, mount: Mount) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD)
    reader.connect(database.log_in)
    database.accepted, database.asked = {NEW}, []
    assert reader.connect(database.log_in) == "shop by new"
    assert reader.connect(database.log_in) == "shop by new"
    assert database.asked == ["old", "new", "new"], "what was refused a moment ago is not tried once more"


def test_something_newer_is_tried_though_the_old_one_is_not_refused(reader: Reader, mount: Mount) -> None:
    """Users in turn: the old user goes on working until nobody uses it any more."""
    mount(postgres_password_v1="old")
    database = Database(OLD, NEW)
    reader.connect(database.log_in)
    mount(postgres_password_v2="new")
    assert reader.connect(database.log_in) == "shop by new"


def test_something_newer_that_is_refused_is_tried_once(reader: Reader, mount: Mount) -> None:
    mount(postgres_password_v1="old")
    database = Database(OLD)
    reader.connect(database.log_in)
    mount(postgres_password_v2="new")
    for _ in range(3):
        assert reader.connect(database.log_in) == "shop by old"
    assert database.asked == ["old", "new", "old", "old", "old"]


def test_a_file_that_is_written_anew_in_place(reader: Reader, mount: Mount) -> None:
    mount(postgres_password="old")
    database = Database(OLD)
    reader.connect(database.log_in)
    mount(postgres_password="new")
    database.accepted = {NEW}
    assert reader.connect(database.log_in) == "shop by new"


@pytest.mark.parametrize("meanwhile", ["", "ne"])
def test_a_file_that_is_just_being_written_leaves_what_works(reader: Reader, mount: Mount, meanwhile: str) -> None:
    mount(postgres_password="old")
    database = Database(OLD, NEW)
    reader.connect(database.log_in)
    mount(postgres_password=meanwhile)
    assert reader.connect(database.log_in) == "shop by old"
    mount(postgres_password="new")
    assert reader.connect(database.log_in) == "shop by new"


def test_a_version_that_is_unmounted(reader: Reader, mount: Mount, tmp_path: Path) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(NEW)
    reader.connect(database.log_in)
    (tmp_path / "postgres_password_v1").unlink()
    assert reader.connect(database.log_in) == "shop by new"
    assert database.asked == ["new", "new"]


def test_a_rotation_is_rolled_back(reader: Reader, mount: Mount, tmp_path: Path) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(NEW)
    reader.connect(database.log_in)
    (tmp_path / "postgres_password_v2").unlink()
    database.accepted = {OLD}
    assert reader.connect(database.log_in) == "shop by old"


def test_two_users_in_turn(tmp_path: Path, mount: Mount) -> None:
    mount(login_v1='{"username": "shop_a", "password": "a"}', login_v2='{"username": "shop_b", "password": "b"}')
    reader = Reader("login", folder=tmp_path, refused=is_wrong_password)
    database = Database(("shop_a", "a"))
    assert reader.connect(database.log_in) == "shop_a by a"
    database.accepted = {("shop_b", "b")}
    assert reader.connect(database.log_in) == "shop_b by b"


def test_the_environment_is_the_last_way(reader: Reader, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount(postgres_password="old")
    monkeypatch.setenv("POSTGRES_PASSWORD", "new")
    database = Database(NEW)
    assert reader.connect(database.log_in) == "shop by new"
    assert database.asked == ["old", "new"]


def test_the_password_changes_while_they_are_tried(reader: Reader, mount: Mount) -> None:
    """The new one is refused a moment before, the old one a moment after."""
    mount(postgres_password_v1="old", postgres_password_v2="new")

    class Changing(Database):
        def log_in(self, login: Login) -> str:
            if login.password == "old":
                self.accepted = {NEW}
            return super().log_in(login)

    database = Changing(OLD)
    assert reader.connect(database.log_in) == "shop by new"
    assert database.asked == ["new", "old", "new"]


@pytest.mark.parametrize("error", [TimeoutError("no answer"), ValueError("a mistake of the application")])
def test_any_other_error_is_passed_on_and_no_other_login_is_tried(reader: Reader, mount: Mount, error: Exception) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD)
    database.broken = error
    with pytest.raises(type(error)) as raised:
        reader.connect(database.log_in)
    assert raised.value is error
    assert database.asked == ["new"]
    database.broken = None
    assert reader.connect(database.log_in) == "shop by old"


def test_any_other_error_leaves_what_is_remembered(reader: Reader, mount: Mount) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD)
    reader.connect(database.log_in)
    database.broken, database.asked = TimeoutError(), []
    with pytest.raises(TimeoutError):
        reader.connect(database.log_in)
    database.broken = None
    reader.connect(database.log_in)
    assert database.asked == ["old", "old"]


def test_all_are_refused(reader: Reader, mount: Mount, tmp_path: Path) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new", postgres_password="")
    database = Database()
    with pytest.raises(NoneLogsIn) as raised:
        reader.connect(database.log_in)
    assert database.asked == ["new", "old", "new"]
    assert str(raised.value) == (
        f"postgres_password: refused is what is in {tmp_path}/postgres_password_v2, {tmp_path}/postgres_password_v1; "
        f"{tmp_path}/postgres_password: empty; $POSTGRES_PASSWORD: not set"
    )
    database.accepted = {OLD}
    assert reader.connect(database.log_in) == "shop by old", "the next try starts anew"


def test_nothing_is_there(reader: Reader, tmp_path: Path) -> None:
    database = Database()
    with pytest.raises(NothingToTry) as raised:
        reader.connect(database.log_in)
    said = f"{tmp_path}/postgres_password: No such file or directory; $POSTGRES_PASSWORD: not set"
    assert str(raised.value) == f"postgres_password: there is no login: {said}"
    assert database.asked == []


def test_it_says_where_the_login_in_use_is_written(reader: Reader, mount: Mount, tmp_path: Path) -> None:
    assert reader.place is None
    mount(postgres_password_v2="new")
    reader.connect(Database(NEW).log_in)
    assert reader.place == str(tmp_path / "postgres_password_v2")


@pytest.mark.parametrize(
    ("accepted", "works"),
    [({OLD}, True), ({OLD, NEW}, True), ({NEW}, False)],
    ids=["prepared", "both are valid", "the old one is retired"],
)
def test_through_a_rotation_with_both_versions_mounted(
    reader: Reader,
    mount: Mount,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    accepted: set[tuple[str, str]],
    works: bool,
) -> None:
    """Taking the first file that exists fails from the moment on in which the old password is retired; trying them never does."""
    mount(postgres_password_v1="old", postgres_password_v2="new")
    environment = {
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "postgres_password_v1"),
        "POSTGRES_PASSWORD_FILE_NEW": str(tmp_path / "postgres_password_v2"),
    }
    for variable, path in environment.items():
        monkeypatch.setenv(variable, path)
    assert (("shop", first_file_that_exists(environment, "POSTGRES_PASSWORD")) in accepted) is works
    database = Database(*accepted)
    assert reader.connect(database.log_in) == ("shop by new" if NEW in accepted else "shop by old")


def test_the_built_in_recogniser_takes_no_foreign_error_for_a_refusal(tmp_path: Path, mount: Mount) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    with pytest.raises(WrongPassword):
        Reader("postgres_password", "shop", folder=tmp_path).connect(Database(OLD).log_in)
