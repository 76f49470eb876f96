"""A writer and a standby that follows it: PostgreSQL's own streaming replication."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rotation.core.errors import SourceReadOnly, SourceUnreachable
from rotation.core.model import Credential, Password
from rotation.sources.postgresql.adapter import PostgreSQL as Source
from rotation.sources.postgresql.connection import Connection

from local.leftovers import Leftovers
from local.postgresql import PostgreSQL
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SECOND, raises
from tests.contract.postgresql_database import RealPostgreSQL
from tests.until import until

READER = "localhost"
"""By this name the tests mean the standby, which has a port of its own."""


@pytest.fixture(scope="module")
def standby(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    with Leftovers() as run:
        following = postgresql.follower(run.directory / "standby", run.environment)
        with following:
            yield following


class WriterAndReader(Source):
    def __init__(self, ca: str, standby: PostgreSQL) -> None:
        super().__init__(ca, [READER])
        self._standby = standby

    def _connect(self, credential: Credential) -> Connection:
        return super()._connect(replace(credential, port=self._standby.port) if credential.host == READER else credential)


@pytest.fixture
def both(real: RealPostgreSQL, standby: PostgreSQL) -> Iterator[Source]:
    standby.catch_up()
    yield WriterAndReader(real.server.ca_pem, standby)
    standby.follow()


@pytest.fixture
def admin(real: RealPostgreSQL) -> Credential:
    return real.credential(ADMIN, ADMIN_PASSWORD)


def alter(source: Source, admin: Credential) -> None:
    with source.as_admin(admin) as session:
        session.set_password("user", Password(SECOND), retain=False)


def test_a_standby_is_not_the_writer(both: Source, admin: Credential) -> None:
    with raises(SourceReadOnly), both.as_admin(replace(admin, host=READER)):
        pass


def test_a_password_counts_when_the_reader_knows_it_too(real: RealPostgreSQL, both: Source, admin: Credential) -> None:
    alter(both, admin)
    until(lambda: _decided(both, real.credential("user", SECOND)))
    assert both.logs_in(real.credential("user", SECOND))
    assert not both.logs_in(real.credential("user", FIRST))


def test_a_reader_that_lags_decides_nothing(real: RealPostgreSQL, standby: PostgreSQL, both: Source, admin: Credential) -> None:
    """It takes the retired password and refuses the new one: neither is proven yet."""
    standby.lag()
    alter(both, admin)
    for password in (FIRST, SECOND):
        with raises(SourceUnreachable):
            both.logs_in(real.credential("user", password))
    standby.follow()
    until(lambda: _decided(both, real.credential("user", SECOND)))
    assert not both.logs_in(real.credential("user", FIRST))


def test_an_admin_whose_new_password_the_reader_does_not_know_yet_asks_again_later(
    real: RealPostgreSQL, standby: PostgreSQL, both: Source, admin: Credential
) -> None:
    standby.lag()
    new = replace(admin, password=Password(SECOND))
    with both.as_admin(admin) as session:
        session.set_password(ADMIN, new.password, retain=False)
    try:
        with raises(SourceUnreachable):
            both.activity(new, "user")
    finally:
        with both.as_admin(new) as session:
            session.set_password(ADMIN, admin.password, retain=False)


def test_sessions_on_the_reader_are_use_and_are_ended_too(
    real: RealPostgreSQL, standby: PostgreSQL, both: Source, admin: Credential
) -> None:
    with standby.connect(real.login("user", FIRST), admin.dbname):
        assert both.activity(admin, "user").sessions == 1
        listed = both.sessions(admin, "user")
        assert [host for host, _ in listed] == [READER]
        both.end_sessions(admin, "user", listed)
        until(lambda: both.sessions(admin, "user") == [])


def test_a_reader_that_has_become_the_writer_is_one(real: RealPostgreSQL, admin: Credential) -> None:
    """And a lock that was held on the old one holds nothing there."""
    with Leftovers() as run, real.server.follower(run.directory / "promoted", run.environment) as promoted:
        source = Source(real.server.ca_pem)
        there = replace(admin, port=promoted.port)
        with source.as_admin(admin):
            promoted.execute("SELECT pg_promote()")
            with source.as_admin(there) as session:
                session.set_password("user", Password(SECOND), retain=False)
        assert source.logs_in(replace(real.credential("user", SECOND), port=promoted.port))


def _decided(source: Source, credential: Credential) -> bool:
    try:
        return source.logs_in(credential)
    except SourceUnreachable:
        return False
