"""A target that says MySQL of a PostgreSQL, or the other way round, on both servers: refused at once, with the way out."""

from collections.abc import Iterator

import pytest
from rotation.core.errors import SourceRefused
from rotation.core.model import Credential, Password
from rotation.sources.mysql import adapter as mysql
from rotation.sources.postgresql.adapter import PostgreSQL as PostgreSQLSource

from local.leftovers import Leftovers
from local.mysql import MySQL
from local.postgresql import PostgreSQL

WAY_OUT = "correct source.kind of the target .*, or host and port in the record and the admin's secret"


@pytest.fixture(scope="module")
def server() -> Iterator[MySQL]:
    with Leftovers() as run, MySQL(run.directory / "mysql", run.environment) as server:
        yield server


def login(server: MySQL | PostgreSQL) -> Credential:
    return Credential("app", Password("canary"), server.host, server.port, "app")


def test_a_postgresql_is_no_mysql(monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL) -> None:
    monkeypatch.setattr(mysql, "STATEMENT_SECONDS", 0.5)
    with pytest.raises(SourceRefused, match=f"is PostgreSQL, not MySQL: {WAY_OUT}"):
        mysql.MySQL(postgresql.ca_pem).logs_in(login(postgresql))


def test_a_mysql_is_no_postgresql(server: MySQL) -> None:
    with pytest.raises(SourceRefused, match=f"is something else, not PostgreSQL: {WAY_OUT}"):
        PostgreSQLSource(server.ca_pem).logs_in(login(server))
