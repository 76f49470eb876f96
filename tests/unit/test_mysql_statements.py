"""What the MySQL adapter says, and to whom, without a server: the clauses that only a real one would else notice."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rotation.core.errors import SourceUnreachable
from rotation.sources.mysql import adapter
from rotation.sources.mysql.adapter import MySQL

from tests.worlds.world import ADMIN, ADMIN_PASSWORD, FORMER, FORMER_PASSWORD, credential

ME = credential(ADMIN, ADMIN_PASSWORD)
Rows = Sequence[Sequence[Any]]


class Server:
    """It answers what it was told to answer, and remembers who was asked what."""

    def __init__(self, **answers: Rows) -> None:
        self.answers = answers
        self.said: list[tuple[str, str]] = []

    def connect(self, *, host: str, **_: Any) -> "Server":
        self._host = host
        return self

    def cursor(self) -> "Server":
        return self

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def execute(self, statement: str, arguments: Sequence[object]) -> None:
        self.said.append((self._host, statement % tuple(repr(one) for one in arguments)))

    def fetchall(self) -> Rows:
        said = self.said[-1][1]
        return next((rows for name, rows in self.answers.items() if name in said), [(0,)])

    def statements(self, verb: str) -> list[str]:
        return [said for _, said in self.said if said.startswith(verb)]


@contextmanager
def talking_to(server: Server) -> Iterator[MySQL]:
    with patch.object(adapter.pymysql, "connect", server.connect), patch.object(adapter, "verified", lambda _: None):
        yield MySQL("no CA is needed", readers=["reader-1", "reader-2"])


def test_the_sessions_and_logins_of_the_writer_and_of_every_reader_count() -> None:
    server = Server(processlist=[(7,), (8,)], performance_schema=[(1,)], SUM=[(1,)])
    with talking_to(server) as source:
        activity = source.activity(ME, "openemr_a")
    assert (activity.sessions, activity.logins) == (6, 3)
    assert {host for host, said in server.said if "processlist" in said} == {ME.host, "reader-1", "reader-2"}


def test_sessions_to_be_ended_are_listed_and_ended_on_the_readers_too() -> None:
    server = Server(processlist=[(7,)])
    with talking_to(server) as source:
        source.end_sessions(ME, "openemr_a", source.sessions(ME, "openemr_a"))
    assert [host for host, said in server.said if said.startswith("KILL")] == [ME.host, "reader-1", "reader-2"]


@pytest.mark.parametrize(("ssl_type", "says"), [("ANY", "REQUIRE SSL"), ("X509", "REQUIRE SSL"), ("", "REQUIRE NONE")])
def test_a_user_is_made_with_the_tls_requirement_of_the_one_in_use(ssl_type: str, says: str) -> None:
    server = Server(**{"FROM mysql.user": [("%", ssl_type)], "SHOW GRANTS": []})
    with talking_to(server) as source, source._session(ME, ME.host) as session:
        session.create_user(credential("openemr_a", "new"), credential(FORMER, FORMER_PASSWORD))
    assert server.statements("CREATE USER") == [f"CREATE USER 'openemr_a'@'%' IDENTIFIED BY 'new' {says}"]


def test_with_nobody_to_be_like_tls_is_required() -> None:
    """A first rotation to a user that is not there, of an application whose user is not there either."""
    made: list[bool] = []

    class Empty(Server):
        def fetchall(self) -> Rows:
            made.append(any(said.startswith("CREATE USER") for _, said in self.said))
            return [("%", "ANY")] if "FROM mysql.user" in self.said[-1][1] and made[-1] else []

    server = Empty()
    with talking_to(server) as source, source._session(ME, ME.host) as session:
        session.create_user(credential("openemr_a", "new"), credential(FORMER, FORMER_PASSWORD))
    assert server.statements("CREATE USER") == ["CREATE USER 'openemr_a'@'%' IDENTIFIED BY 'new' REQUIRE SSL"]


def means(pattern: str) -> re.Pattern[str]:
    """A schema in a GRANT as MySQL reads it: `_` is any letter, `%` any text, after a backslash themselves."""
    inner = pattern.removeprefix("`").removesuffix("`").replace("``", "`")
    wild = {"_": ".", "%": ".*"}
    parts = re.findall(r"\\.|.", inner, re.DOTALL)
    return re.compile(
        "".join(re.escape(part[1]) if len(part) == 2 else wild.get(part, re.escape(part)) for part in parts), re.DOTALL
    )


NAMES = st.text("ab_%\\`.", min_size=1, max_size=8)


@given(schema=NAMES, other=NAMES)
def test_a_grant_is_on_that_schema_and_on_no_other(schema: str, other: str) -> None:
    found = means(adapter._pattern(schema))
    assert found.fullmatch(schema)
    assert bool(found.fullmatch(other)) == (other == schema)


def test_a_schema_with_an_underscore_is_granted_escaped() -> None:
    server = Server(**{"FROM mysql.user": [("%", "ANY")], "SHOW GRANTS": []})
    with talking_to(server) as source, source._session(ME, ME.host) as session:
        user = replace(credential("openemr_a", "x"), dbname="open_emr")
        assert session.copy_grants(user, replace(user, username=FORMER))
    assert server.statements("GRANT") == [r"GRANT ALL PRIVILEGES ON `open\_emr`.* TO 'openemr_a'@'%'"]


@contextmanager
def connecting_ends_in(error: Exception) -> Iterator[MySQL]:
    def connect(**_: Any) -> None:
        raise error

    with patch.object(adapter.pymysql, "connect", connect), patch.object(adapter, "verified", lambda _: None):
        yield MySQL("no CA is needed")


@pytest.mark.parametrize("error", [OSError("no route"), adapter.pymysql.err.OperationalError(2013, "lost")])
def test_a_network_error_is_not_a_wrong_password(error: Exception) -> None:
    with connecting_ends_in(error) as source, pytest.raises(SourceUnreachable):
        source.logs_in(ME)


def test_a_denial_is() -> None:
    with connecting_ends_in(adapter.pymysql.err.OperationalError(1045, "denied")) as source:
        assert not source.logs_in(ME)
