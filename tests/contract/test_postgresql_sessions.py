"""Sessions on a real PostgreSQL: which are use, also behind a pool, and who may see and end them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pg8000.native
import pytest
from rotation.core.errors import SourceRefused
from rotation.core.model import Credential
from rotation.ports import Surroundings
from rotation.sources.postgresql.adapter import PostgreSQL as Source
from rotation.sources.postgresql.adapter import make

from local.mysql import Login
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA, SECOND, raises
from tests.contract.postgresql_database import RealPostgreSQL
from tests.until import until

ALWAYS = 0
"""Seconds after which an idle session is not use: any is long enough."""
LONG = 3600


@pytest.fixture
def admin(real: RealPostgreSQL) -> Credential:
    return real.credential(ADMIN, ADMIN_PASSWORD)


def in_use(real: RealPostgreSQL, admin: Credential, seconds: int | None) -> int:
    source = Source(real.server.ca_pem, idle_seconds=seconds)
    with source.as_admin(admin) as session:
        assert session.activity("user") == source.activity(admin, "user")
    return source.activity(admin, "user").sessions


@contextmanager
def session(real: RealPostgreSQL) -> Iterator[Any]:
    with real.server.connect(Login("user", FIRST), SCHEMA) as session:
        yield session


@contextmanager
def at_work(real: RealPostgreSQL) -> Iterator[None]:
    """A statement that runs."""
    with session(real) as one:

        def work() -> None:
            with suppress(pg8000.native.Error, OSError):
                one.run("SELECT pg_sleep(60)")

        thread = threading.Thread(target=work)
        thread.start()
        until(lambda: real.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'user' AND state = 'active'") == [[1]])
        try:
            yield
        finally:
            real.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'user'")
            thread.join()


def test_a_pooled_session_is_use_until_it_has_been_idle_for_long_enough(real: RealPostgreSQL, admin: Credential) -> None:
    with session(real) as one:
        one.run("SELECT 1")
        assert in_use(real, admin, None) == 1, "where there is no pool, every session is use"
        assert in_use(real, admin, LONG) == 1
        until(lambda: in_use(real, admin, ALWAYS) == 0)
        assert len(real.source.sessions(admin, "user")) == 1, "whoever ends sessions ends idle ones too"


def test_a_session_at_work_is_use_however_long_its_statement_runs(real: RealPostgreSQL, admin: Credential) -> None:
    with at_work(real):
        assert in_use(real, admin, ALWAYS) == 1


@pytest.mark.parametrize("failed", [False, True], ids=["open", "failed"])
def test_a_transaction_is_use_however_long_it_does_nothing(real: RealPostgreSQL, admin: Credential, failed: bool) -> None:
    with session(real) as one:
        one.run("BEGIN")
        with suppress(pg8000.native.DatabaseError):
            one.run("SELECT 1 / 0" if failed else "SELECT 1")
        assert in_use(real, admin, ALWAYS) == 1


def test_a_session_whose_state_is_not_told_is_use(real: RealPostgreSQL, admin: Credential) -> None:
    real.execute('ALTER ROLE "user" SET track_activities = off')
    with session(real):
        assert in_use(real, admin, ALWAYS) == 1


def test_whoever_may_not_see_the_state_takes_every_session_for_use_and_is_told_what_it_lacks(
    real: RealPostgreSQL, admin: Credential
) -> None:
    real.execute(f"CREATE ROLE blind LOGIN CREATEROLE PASSWORD '{SECOND}'")
    blind = real.credential("blind", SECOND)
    with session(real):
        assert in_use(real, blind, ALWAYS) == 1
    assert "pg_read_all_stats" in real.source.inspect(blind, []).lacking


def test_a_reader_s_sessions_count_and_are_ended_too(real: RealPostgreSQL, admin: Credential) -> None:
    source = Source(real.server.ca_pem, readers=["localhost"])
    with session(real):
        assert source.activity(admin, "user").sessions == 2, "the same server by two names"
        listed = source.sessions(admin, "user")
        assert [host for host, _ in listed] == [admin.host, "localhost"]
        source.end_sessions(admin, "user", listed)
        until(lambda: source.sessions(admin, "user") == [])


def test_a_session_is_known_by_its_start_too(real: RealPostgreSQL, admin: Credential) -> None:
    """The number of a process is given again."""
    with session(real):
        ((host, number),) = real.source.sessions(admin, "user")
        real.source.end_sessions(admin, "user", [(host, number + (1 << 32)), (host, number & 0xFFFFFFFF)])
        assert real.source.sessions(admin, "user") == [(host, number)]


def test_a_superuser_s_session_is_not_the_admin_s_to_end(real: RealPostgreSQL, admin: Credential) -> None:
    with real.server.connect(), raises(SourceRefused):
        real.source.end_sessions(admin, "postgres", real.source.sessions(admin, "postgres"))


def test_whether_the_admin_may_end_others_sessions(real: RealPostgreSQL, admin: Credential) -> None:
    real.execute(f"CREATE ROLE less LOGIN PASSWORD '{SECOND}'")
    less = real.credential("less", SECOND)
    assert (real.source.inspect(admin, []).ends_sessions, real.source.inspect(less, []).ends_sessions) == (True, False)
    real.execute("GRANT pg_signal_backend TO less")
    assert real.source.inspect(less, []).ends_sessions


def test_replication_is_use(real: RealPostgreSQL, admin: Credential) -> None:
    real.execute(f"CREATE ROLE follower LOGIN REPLICATION PASSWORD '{SECOND}'")
    follower = replace(admin, username="follower")
    with real.server.connect(Login("follower", SECOND), replication="true"):
        assert real.source.activity(admin, follower.username).sessions == 1


@pytest.mark.parametrize(("pooled", "sessions"), [(True, 0), (False, 1)])
def test_a_target_says_whether_sessions_are_a_pool_s(real: RealPostgreSQL, admin: Credential, pooled: bool, sessions: int) -> None:
    here = Surroundings("openemr", "arn", quiet_seconds=ALWAYS)
    source = make({"ca": real.server.ca_pem, "readers": [], "pooled": pooled}, here)
    with session(real) as one:
        one.run("SELECT 1")
        until(lambda: source.activity(admin, "user").sessions == sessions)
