"""The soak's logins: each is judged by itself, none is tried again, and half of the clients know what PHP's opcache knows."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest
from rotation.core.errors import SqlconfUnsupported
from rotation.core.model import Credential, Password

from local import soak
from local.cluster.application import INSTALLED
from local.logins import Logged, Logins, Reader
from local.options import SoakOptions

OLD, NEW = (Credential(user, Password("secret"), "127.0.0.1", 3307, "openemr") for user in ("openemr_a", "openemr_b"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "sqlconf.php"
    write(found, OLD)
    return found


def write(path: Path, login: Credential) -> None:
    values = {"host": login.host, "port": login.port, "login": login.username, "password": "secret", "schema": login.dbname}
    path.write_text(INSTALLED.format(**values))


def logged(path: Path, log_in: Callable[[Credential], object], count: int = 50) -> Logged:
    with Logins(path, log_in, rate=500, clients=4) as logins:
        while logins.results().all < count:
            time.sleep(0.005)
        return logins.stop()


def raises(error: Exception) -> Callable[[Credential], object]:
    def log_in(_: Credential) -> None:
        raise error

    return log_in


def test_without_opcache_the_file_is_read_each_time(path: Path) -> None:
    reader = Reader(path, 0)
    assert reader.read() == OLD
    write(path, NEW)
    assert reader.read() == NEW


def test_with_it_what_was_read_is_used_until_it_is_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    reader = Reader(path, 2)
    assert reader.read() == OLD
    write(path, NEW)
    now = 1001.9
    assert reader.read() == OLD
    now = 1002.0
    assert reader.read() == NEW


def test_a_login_that_works_is_served(path: Path) -> None:
    seen: list[Credential] = []
    found = logged(path, seen.append)
    assert (found.served, found.failed) == (len(seen), 0)
    assert set(seen) == {OLD}
    assert found.rate > 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (pymysql.err.OperationalError(1045, "Access denied"), "1045"),
        (pymysql.err.OperationalError(2013, "Lost connection"), "2013"),
        (pymysql.err.OperationalError(), "OperationalError"),
        (ConnectionResetError(), "ConnectionResetError"),
        (SqlconfUnsupported("half a file"), "SqlconfUnsupported"),
    ],
)
def test_a_failure_is_counted_by_its_kind_and_not_tried_again(path: Path, error: Exception, reason: str) -> None:
    found = logged(path, raises(error))
    assert (found.served, found.failures[reason]) == (0, found.all)


def test_a_file_that_is_not_there_is_a_failure(path: Path) -> None:
    path.unlink()
    assert set(logged(path, raises(AssertionError("nobody logs in"))).failures) == {"FileNotFoundError"}


def test_slow_logins_do_not_slow_the_rate(path: Path) -> None:
    with Logins(path, lambda _: time.sleep(0.1), rate=200, clients=40) as logins:
        time.sleep(1)
        assert logins.stop().rate > 150, "one after the other would be ten"


# ---- what the soak makes of it


FULL = SoakOptions()
GOOD = Logged(served=300_000, seconds=1400.0)


def test_every_bar_reached() -> None:
    assert soak.missed(FULL, GOOD, [7.0] * 200) == []


@pytest.mark.parametrize(
    ("found", "rotations", "said"),
    [
        (Logged(300_000, Counter({"1045": 1}), 1400.0), 200, "1 of 300001 logins failed: 1 refused (1045), 0 otherwise"),
        (Logged(300_000, Counter({"2013": 2}), 1400.0), 200, "2 of 300002 logins failed: 0 refused (1045), 2 otherwise"),
        (Logged(300_000, seconds=1501.0), 200, "199.9 logins/s, 200 were asked for"),
        (GOOD, 199, "199 rotations in 1500 s, 200 were asked for"),
        (Logged(199_999, seconds=900.0), 200, "199999 logins in 1500 s, 200000 were asked for"),
    ],
)
def test_a_bar_that_was_missed_is_named(found: Logged, rotations: int, said: str) -> None:
    (problem,) = soak.missed(FULL, found, [7.0] * rotations)
    assert said in problem


def test_a_short_one_wants_one_rotation() -> None:
    assert soak.missed(SoakOptions.parse({"SECONDS": "60"}), Logged(12_600, seconds=60.0), [])
    assert not soak.missed(SoakOptions.parse({"SECONDS": "60"}), Logged(12_600, seconds=60.0), [20.0])
