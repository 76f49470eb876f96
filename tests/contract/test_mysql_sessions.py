"""Sessions on a real MySQL behind a pool: which are use, and which are only kept open."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pymysql
import pytest
from rotation.core.model import Credential, Password
from rotation.ports import Surroundings
from rotation.sources.mysql.adapter import MySQL as Source
from rotation.sources.mysql.adapter import make

from local.leftovers import Leftovers
from local.mysql import Login, MySQL
from local.mysqld import SETTINGS
from tests.until import until as patiently

ADMIN, USER = Login("admin", "admin-canary-1"), Login("user", "first-canary-2")
SCHEMA = "shop"
ALWAYS, LONG = 0, 3600
"""Seconds after which an idle session is not use."""


@pytest.fixture(scope="module", params=["performance_schema on", "off"])
def server(request: pytest.FixtureRequest) -> Iterator[MySQL]:
    """Without it, a transaction is known once it has touched something."""
    off = [*(one for one in SETTINGS if "performance-schema" not in one), "--performance-schema=OFF"]
    on = [*SETTINGS, "--performance-schema-instrument=transaction=ON"]  # as MySQL's own defaults have it
    with pytest.MonkeyPatch.context() as patch, Leftovers() as run:
        patch.setattr("local.mysql.SETTINGS", off if request.param == "off" else on)
        with MySQL(run.directory / "mysql", run.environment) as server:
            server.create_admin(ADMIN)
            server.create_schema(SCHEMA)
            with server.connect() as root, root.cursor() as cursor:
                cursor.execute(f"CREATE USER user IDENTIFIED BY '{USER.password}' REQUIRE SSL")
                cursor.execute(f"GRANT ALL ON {SCHEMA}.* TO user")
                cursor.execute(f"CREATE TABLE {SCHEMA}.things (id INT PRIMARY KEY)")
            yield server


@pytest.fixture
def admin(server: MySQL) -> Credential:
    return Credential(ADMIN.username, Password(ADMIN.password), server.host, server.port, SCHEMA)


@pytest.fixture
def session(server: MySQL) -> Iterator[Any]:
    with server.connect(USER, SCHEMA) as session:
        yield session
    until(lambda: sessions(server) == [])


def sessions(server: MySQL) -> list[int]:
    admin = Credential(ADMIN.username, Password(ADMIN.password), server.host, server.port, SCHEMA)
    return [number for _, number in Source(server.ca_pem).sessions(admin, "user")]


def in_use(server: MySQL, admin: Credential, seconds: int | None) -> int:
    return Source(server.ca_pem, idle_seconds=seconds).activity(admin, "user").sessions


def until(holds: Callable[[], bool]) -> None:
    """InnoDB's own list is made anew only when nobody has read it for a tenth of a second."""
    patiently(holds, every=0.2)


def run(session: Any, *statements: str) -> None:
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_session_is_use_until_it_has_been_idle_for_long_enough(server: MySQL, admin: Credential, session: object) -> None:
    assert in_use(server, admin, None) == 1, "where there is no pool, every session is use"
    assert in_use(server, admin, LONG) == 1
    assert in_use(server, admin, ALWAYS) == 0
    assert len(sessions(server)) == 1, "whoever ends sessions ends idle ones too"


def test_a_session_at_work_is_use_however_long_its_statement_runs(server: MySQL, admin: Credential, session: Any) -> None:
    def work() -> None:
        with suppress(pymysql.MySQLError):
            run(session, "SELECT SLEEP(60)")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: in_use(server, admin, ALWAYS) == 1)
        assert in_use(server, admin, ALWAYS) == 1
    finally:
        (number,) = sessions(server)
        with server.connect() as root:
            run(root, f"KILL QUERY {number}")
        thread.join()


def test_a_transaction_is_use_however_long_it_does_nothing(server: MySQL, admin: Credential, session: Any) -> None:
    run(session, "START TRANSACTION", "SELECT * FROM things")
    until(lambda: in_use(server, admin, ALWAYS) == 1)
    run(session, "COMMIT")
    until(lambda: in_use(server, admin, ALWAYS) == 0)


def test_one_that_has_touched_nothing_yet_is_use_where_the_server_tells(server: MySQL, admin: Credential, session: Any) -> None:
    run(session, "START TRANSACTION")
    told = Source(server.ca_pem).activity(admin, "user").logins is not None
    assert in_use(server, admin, ALWAYS) == int(told)


@pytest.mark.parametrize(("pooled", "expected"), [(True, 0), (False, 1)])
def test_a_target_says_whether_sessions_are_a_pool_s(
    server: MySQL, admin: Credential, session: object, pooled: bool, expected: int
) -> None:
    here = Surroundings("shop", "arn:admin", quiet_seconds=ALWAYS)
    source = make({"ca": server.ca_pem, "readers": [], "pooled": pooled}, here)
    assert source.activity(admin, "user").sessions == expected
