"""The source on a real MySQL: what only it can show. What its stand-ins show too is in test_sources."""

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from rotation.core.errors import (
    AccountAmbiguous,
    AccountLocked,
    PasswordRejected,
    RotationError,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
)
from rotation.core.model import Credential, Password
from rotation.sources.mysql import adapter
from rotation.sources.mysql.adapter import MySQL as Source

from local.certificates import Authority
from local.leftovers import Leftovers
from local.mysql import Login, MySQL
from local.mysqld import SETTINGS
from local.ports import free_port

SCHEMA = "odd_schema%"
ESCAPED = r"odd\_schema\%"
NEIGHBOUR = "oddXschemaY"
"""What SCHEMA would mean in a GRANT if nobody escaped it."""
ADMIN = Login("admin", "admin-canary-1")
FIRST, SECOND, THIRD = "first-canary-2", "second-canary-3", "third-canary-4"
CANARIES = (ADMIN.password, FIRST, SECOND, THIRD)
CLIENT_SSL = 0x0800


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def server(run: Leftovers) -> Iterator[MySQL]:
    with MySQL(run.directory / "mysql", run.environment) as server:
        server.create_admin(ADMIN)
        server.create_schema(SCHEMA)
        server.create_schema(NEIGHBOUR)
        yield server


@pytest.fixture(autouse=True)
def _accounts(server: MySQL) -> Iterator[None]:
    """`user` as an installation leaves it; whoever else a test made is gone after it."""
    execute(server, f"CREATE USER user IDENTIFIED BY '{FIRST}' REQUIRE SSL", f"GRANT ALL ON `{ESCAPED}`.* TO user")
    yield
    rows = execute(server, "SELECT user, host FROM mysql.user WHERE user NOT LIKE 'mysql.%' AND user NOT IN ('root', 'admin')")
    for name, host in rows:
        execute(server, f"DROP USER '{name}'@'{host}'")


@pytest.fixture
def source(server: MySQL) -> Source:
    return Source(server.ca_pem)


@pytest.fixture
def admin(server: MySQL) -> Credential:
    return credential(server, ADMIN.username, ADMIN.password)


@pytest.fixture
def user(server: MySQL) -> Credential:
    return credential(server, "user", FIRST)


def credential(server: MySQL, username: str, password: str, *, host: str | None = None, port: int | None = None) -> Credential:
    return Credential(username, Password(password), host or server.host, port or server.port, SCHEMA)


def execute(server: MySQL, *statements: str, who: Login | None = None) -> tuple[tuple[object, ...], ...]:
    with server.connect(who) as session, session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return tuple(cursor.fetchall())


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[None]:
    """That error and no other, with nothing of the driver's or of a password in it or in its traceback."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value))
    assert "pymysql.err" not in shown
    assert not [canary for canary in CANARIES if canary in shown]


# Who logs in


def test_a_port_that_nobody_listens_on_is_unreachable_and_not_a_no(server: MySQL, source: Source) -> None:
    with raises(SourceUnreachable):
        source.logs_in(credential(server, "user", FIRST, port=free_port()))


def test_a_host_that_nobody_knows_is_unreachable(server: MySQL, source: Source) -> None:
    with raises(SourceUnreachable):
        source.logs_in(credential(server, "user", FIRST, host="database.invalid"))


def test_a_server_that_hangs_up_is_unreachable(server: MySQL, source: Source) -> None:
    with man_in_the_middle(lambda _: b"") as port, raises(SourceUnreachable):
        source.logs_in(credential(server, "user", FIRST, port=port))


def test_a_server_that_says_nothing_is_unreachable(monkeypatch: pytest.MonkeyPatch, server: MySQL, source: Source) -> None:
    monkeypatch.setattr(adapter, "STATEMENT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, raises(SourceUnreachable):
        source.logs_in(credential(server, "user", FIRST, port=silent.getsockname()[1]))


def test_a_server_that_is_full_is_unreachable(server: MySQL, source: Source, user: Credential) -> None:
    with ExitStack() as stack:
        (limit,) = execute(server, "SELECT @@global.max_connections")[0:1]
        stack.callback(execute, server, f"SET GLOBAL max_connections = {limit[0]}")
        execute(server, "SET GLOBAL max_connections = 1")
        stack.callback(server.connect(Login("user", FIRST)).close)
        with raises(SourceUnreachable):
            source.logs_in(user)


def test_another_authority_is_not_trusted_and_is_told_no_user(server: MySQL, user: Credential) -> None:
    before = connects_of(server, "user")
    with raises(SourceUntrusted):
        Source(Authority("somebody else").pem).logs_in(user)
    assert connects_of(server, "user") == before


def test_a_certificate_of_another_host_is_not_trusted(server: MySQL, source: Source) -> None:
    """127.1 is 127.0.0.1 to the network and another name to the certificate."""
    with raises(SourceUntrusted):
        source.logs_in(credential(server, "user", FIRST, host="127.1"))


def test_the_authorities_of_rds_do_not_vouch_for_a_server_of_ours(user: Credential) -> None:
    with raises(SourceUntrusted):
        Source("rds").logs_in(user)


def test_a_server_that_offers_no_tls_is_told_nothing(server: MySQL, source: Source) -> None:
    """A man in the middle need only clear one bit of the greeting; a client that then goes on in plain text is lost."""
    said: list[bytes] = []
    with man_in_the_middle(without_tls, said, server.port) as port, raises(SourceUntrusted):
        source.logs_in(credential(server, "user", FIRST, port=port))
    assert b"".join(said) == b""


def test_an_account_that_failed_logins_have_locked_is_named(server: MySQL, source: Source, user: Credential) -> None:
    execute(server, "ALTER USER user FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1")
    with raises(AccountLocked):
        source.logs_in(credential(server, "user", SECOND))
    with raises(AccountLocked):
        source.logs_in(user)


def test_an_expired_password_is_not_a_wrong_one(server: MySQL, source: Source, user: Credential) -> None:
    execute(server, "ALTER USER user PASSWORD EXPIRE")
    with raises(SourceRefused):
        source.logs_in(user)


# The admin's session


def test_the_second_waits_for_the_first(source: Source, admin: Credential) -> None:
    held, entered = threading.Event(), threading.Event()

    def second() -> None:
        held.wait()
        with source.as_admin(admin):
            entered.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    try:
        with source.as_admin(admin):
            held.set()
            assert not entered.wait(0.3)
    finally:
        held.set()
        waiting.join()
    assert entered.is_set()


@pytest.fixture
def read_only(server: MySQL) -> Iterator[Callable[[], None]]:
    yield lambda: execute(server, "SET GLOBAL super_read_only = ON") and None
    execute(server, "SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF")


def test_an_aurora_reader_is_not_the_writer(monkeypatch: pytest.MonkeyPatch, run: Leftovers) -> None:
    """It is innodb_read_only, and not read_only."""
    with MySQL(run.directory / "reader", run.environment) as reader:
        reader.create_admin(ADMIN)
        reader.stop()
        monkeypatch.setattr("local.mysql.SETTINGS", [*SETTINGS, "--innodb-read-only=ON"])
        reader.start()
        with raises(SourceReadOnly), Source(reader.ca_pem).as_admin(credential(reader, ADMIN.username, ADMIN.password)):
            pass


def test_a_server_that_turns_read_only_says_so(read_only: Callable[[], None], source: Source, admin: Credential) -> None:
    with source.as_admin(admin) as session:
        read_only()
        with raises(SourceReadOnly):
            session.set_password("user", Password(SECOND), retain=True)


def test_a_connection_that_is_lost_says_so(server: MySQL, source: Source, admin: Credential) -> None:
    with source.as_admin(admin) as session:
        ((number,),) = execute(server, "SELECT id FROM information_schema.processlist WHERE user = 'admin'")
        execute(server, f"KILL {number}")
        with raises(SourceUnreachable):
            session.set_password("user", Password(SECOND), retain=True)


def test_a_statement_that_the_server_quotes_back_is_not_quoted_on(source: Source, admin: Credential) -> None:
    with source.as_admin(admin) as session, raises(SourceRefused):
        session._run("ALTER USR %s IDENTIFIED BY %s", "user", SECOND)  # type: ignore[attr-defined]


# Passwords


def test_a_password_that_the_user_had_before_is_rejected_by_name(
    server: MySQL, source: Source, admin: Credential, user: Credential
) -> None:
    execute(server, "ALTER USER user PASSWORD HISTORY 2")
    with source.as_admin(admin) as session:
        session.set_password("user", Password(SECOND), retain=True)
        with raises(PasswordRejected):
            session.set_password("user", Password(SECOND), retain=True)
    assert source.logs_in(user), "a rejected password changes nothing: the retained one still works"


def test_two_accounts_of_one_name_are_for_a_human_and_neither_is_altered(
    server: MySQL, source: Source, admin: Credential, user: Credential
) -> None:
    execute(server, f"CREATE USER user@'10.%' IDENTIFIED BY '{THIRD}'")
    hashes = "SELECT host, authentication_string FROM mysql.user WHERE user = 'user' ORDER BY host"
    before = execute(server, hashes)
    with source.as_admin(admin) as session:
        for change in (
            lambda: session.set_password("user", Password(SECOND), retain=True),
            lambda: session.discard_old_password("user", Password(SECOND)),
            lambda: session.copy_grants(user, user),
        ):
            with raises(AccountAmbiguous):
                change()
    assert execute(server, hashes) == before


# Activity


def test_readers_are_looked_at_too(server: MySQL, admin: Credential) -> None:
    source = Source(server.ca_pem, readers=["localhost"])
    with server.connect(Login("user", FIRST)):
        assert source.activity(admin, "user").sessions == 2, "the same server under two names"


def test_a_server_that_does_not_count_logins_says_that_it_does_not(monkeypatch: pytest.MonkeyPatch, run: Leftovers) -> None:
    settings = [setting for setting in SETTINGS if "performance-schema" not in setting]
    monkeypatch.setattr("local.mysql.SETTINGS", [*settings, "--performance-schema=OFF"])
    with MySQL(run.directory / "uncounted", run.environment) as uncounted:
        uncounted.create_admin(ADMIN)
        activity = Source(uncounted.ca_pem).activity(credential(uncounted, ADMIN.username, ADMIN.password), "user")
    assert (activity.sessions, activity.logins) == (0, None)


# Users and grants


def test_a_new_user_has_the_grants_and_the_tls_requirement_of_the_other(
    server: MySQL, source: Source, admin: Credential, user: Credential
) -> None:
    made = credential(server, "made", SECOND)
    with source.as_admin(admin) as session:
        session.create_user(made, user)
    assert source.logs_in(made)
    assert grants_of(server, "made") == grants_of(server, "user")
    assert execute(server, "SELECT host, ssl_type FROM mysql.user WHERE user = 'made'") == (("%", "ANY"),)


def test_a_tls_requirement_that_the_other_lacks_is_not_made_up(server: MySQL, source: Source, admin: Credential) -> None:
    execute(server, f"CREATE USER plain@'127.0.0.1' IDENTIFIED BY '{FIRST}' REQUIRE NONE")
    with source.as_admin(admin) as session:
        session.create_user(credential(server, "made", SECOND), credential(server, "plain", FIRST))
    assert execute(server, "SELECT host, ssl_type FROM mysql.user WHERE user = 'made'") == (("127.0.0.1", ""),)


def test_without_another_user_to_be_like_a_new_one_gets_the_schema_and_no_more(
    server: MySQL, source: Source, admin: Credential
) -> None:
    """_ and % in a schema's name are wildcards in a GRANT."""
    with source.as_admin(admin) as session:
        session.create_user(credential(server, "made", SECOND), credential(server, "nobody", FIRST))
    who = Login("made", SECOND)
    assert execute(server, f"SELECT COUNT(*) FROM `{SCHEMA}`.facility", who=who) == ((1,),)  # noqa: S608 - our own name
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        execute(server, f"SELECT COUNT(*) FROM `{NEIGHBOUR}`.facility", who=who)  # noqa: S608 - our own name
    assert execute(server, "SELECT ssl_type FROM mysql.user WHERE user = 'made'") == (("ANY",),)


def test_grants_that_lack_are_given_and_no_others(server: MySQL, source: Source, admin: Credential, user: Credential) -> None:
    execute(
        server,
        f"CREATE USER less IDENTIFIED BY '{SECOND}'",
        f"GRANT SELECT ON `{NEIGHBOUR}`.* TO user",
        "GRANT PROCESS ON *.* TO user",
    )
    less = credential(server, "less", SECOND)
    with source.as_admin(admin) as session:
        assert session.copy_grants(less, user)
        assert not session.copy_grants(less, user)
    (only,) = [grant for grant in grants_of(server, "less") if "USAGE" not in grant]
    assert only in grants_of(server, "user")
    assert "odd" in only
    assert NEIGHBOUR not in only


def test_grants_on_a_table_are_copied_as_they_are(server: MySQL, source: Source, admin: Credential) -> None:
    execute(
        server,
        f"CREATE USER narrow IDENTIFIED BY '{FIRST}'",
        f"GRANT SELECT ON `{SCHEMA}`.facility TO narrow",
        f"CREATE USER made IDENTIFIED BY '{SECOND}'",
    )
    with source.as_admin(admin) as session:
        session.copy_grants(credential(server, "made", SECOND), credential(server, "narrow", FIRST))
    assert grants_of(server, "made") == grants_of(server, "narrow")


def test_a_grant_with_the_schema_unescaped_is_copied_too(server: MySQL, source: Source, admin: Credential) -> None:
    execute(
        server,
        f"CREATE USER loose IDENTIFIED BY '{FIRST}'",
        f"GRANT SELECT, INSERT ON `{SCHEMA}`.* TO loose",
        f"CREATE USER made IDENTIFIED BY '{SECOND}'",
    )
    with source.as_admin(admin) as session:
        assert session.copy_grants(credential(server, "made", SECOND), credential(server, "loose", FIRST))
    assert grants_of(server, "made") == grants_of(server, "loose")


# Tools


def grants_of(server: MySQL, username: str) -> set[str]:
    """Without the name, so that two users' can be compared."""
    ((host,),) = execute(server, f"SELECT host FROM mysql.user WHERE user = '{username}'")  # noqa: S608 - our own name
    return {str(row[0]).rpartition(" TO ")[0] for row in execute(server, f"SHOW GRANTS FOR '{username}'@'{host}'")}


def connects_of(server: MySQL, username: str) -> int:
    log = Path(server.general_log).read_text(errors="replace")
    return sum("Connect" in line and f"{username}@" in line for line in log.splitlines())


def without_tls(greeting: bytes) -> bytes:
    """MySQL's first packet with CLIENT_SSL taken out of the server's capabilities."""
    at = greeting.index(b"\0", 5) + 1 + 4 + 8 + 1
    flags = int.from_bytes(greeting[at : at + 2], "little") & ~CLIENT_SSL
    return greeting[:at] + flags.to_bytes(2, "little") + greeting[at + 2 :]


@contextmanager
def man_in_the_middle(change: Callable[[bytes], bytes], said: list[bytes] | None = None, behind: int = 0) -> Iterator[int]:
    """Answers one client with the changed greeting of the server behind, keeps what the client says, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                greeting = b""
                if behind:
                    with socket.create_connection(("127.0.0.1", behind)) as upstream:
                        greeting = upstream.recv(4096)
                client.sendall(change(greeting))
                if said is not None:
                    client.settimeout(2)
                    said.append(client.recv(4096))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # nobody may have come
            thread.join()


# ---- modes verify and revoke ---------------------------------------------------------------------------------------------


def test_what_the_admin_lacks_is_named(server: MySQL, source: Source) -> None:
    execute(server, f"CREATE USER less IDENTIFIED BY '{SECOND}' REQUIRE SSL", "GRANT SELECT ON mysql.user TO less")
    lacking = ("CREATE USER", "PROCESS", "GRANT OPTION", "SELECT ON performance_schema.accounts")
    assert source.inspect(credential(server, "less", SECOND), ["user"]).lacking == lacking


@pytest.mark.parametrize(
    ("level", "may"), [("*.*", True), (f"`{ESCAPED}`.*", True), (f"`{SCHEMA}`.*", True), (f"`{NEIGHBOUR}`.*", False)]
)
def test_only_what_it_may_grant_on_the_schema_counts(server: MySQL, source: Source, level: str, may: bool) -> None:
    execute(server, f"CREATE USER less IDENTIFIED BY '{SECOND}' REQUIRE SSL", f"GRANT SELECT ON {level} TO less WITH GRANT OPTION")
    assert ("GRANT OPTION" not in source.inspect(credential(server, "less", SECOND), []).lacking) == may


def test_limits_may_follow_the_grant_option() -> None:
    """As MySQL 5.7 and MariaDB write it."""
    line = "GRANT ALL PRIVILEGES ON *.* TO 'admin'@'%' REQUIRE SSL WITH GRANT OPTION MAX_USER_CONNECTIONS 9"
    assert adapter._may_grant([line], SCHEMA)
    assert not adapter._may_grant([line.replace("GRANT OPTION ", "")], SCHEMA)


def test_where_the_server_takes_only_tls_no_user_is_named(server: MySQL, source: Source, admin: Credential) -> None:
    execute(server, f"CREATE USER plain IDENTIFIED BY '{SECOND}' REQUIRE NONE")
    assert execute(server, "SELECT @@global.require_secure_transport") == ((1,),)
    assert source.inspect(admin, ["plain"]).without_tls == ()


def test_an_admin_who_sees_no_accounts_is_told_so_and_the_rest_is_looked_at(server: MySQL, source: Source) -> None:
    execute(server, f"CREATE USER less IDENTIFIED BY '{SECOND}' REQUIRE SSL")
    seen = source.inspect(credential(server, "less", SECOND), ["user"])
    assert "SELECT ON mysql.user" in seen.lacking
    assert (seen.tls, seen.without_tls) == ("TLSv1.3", ())


def test_what_comes_by_an_active_role_is_not_lacking(server: MySQL, source: Source) -> None:
    """All that the master user of Aurora may do comes by one."""
    execute(
        server,
        "CREATE ROLE superuser",
        "GRANT CREATE USER, PROCESS, SELECT ON *.* TO superuser WITH GRANT OPTION",
        f"CREATE USER master IDENTIFIED BY '{SECOND}' REQUIRE SSL",
        "GRANT superuser TO master",
        "SET DEFAULT ROLE ALL TO master",
    )
    assert source.inspect(credential(server, "master", SECOND), []).lacking == ()


def test_sessions_on_readers_are_listed_and_ended_too(server: MySQL, admin: Credential) -> None:
    source = Source(server.ca_pem, readers=["localhost"])
    with server.connect(Login("user", FIRST)):
        listed = source.sessions(admin, "user")
        assert [host for host, _ in listed] == [admin.host, "localhost"]  # the same server, by two names
        source.end_sessions(admin, "user", listed)
        while source.sessions(admin, "user"):
            pass


def test_where_rds_has_its_own_way_to_end_a_session_that_is_taken(server: MySQL, source: Source, admin: Credential) -> None:
    execute(
        server,
        "CREATE TABLE mysql.killed (id BIGINT)",
        "CREATE PROCEDURE mysql.rds_kill(IN thread BIGINT) INSERT INTO mysql.killed VALUES (thread)",
    )
    try:
        with server.connect(Login("user", FIRST)):
            ((_, number),) = listed = source.sessions(admin, "user")
            source.end_sessions(admin, "user", listed)
        assert execute(server, "SELECT id FROM mysql.killed") == ((number,),)
    finally:
        execute(server, "DROP PROCEDURE mysql.rds_kill", "DROP TABLE mysql.killed")


def test_a_user_of_the_application_cannot_hold_our_lock(server: MySQL, admin: Credential) -> None:
    source = Source(server.ca_pem, secret="arn:aws:secretsmanager:…:secret:openemr/admin-AbCdEf")
    with server.connect(Login("user", FIRST)) as session, session.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('credential-rotation', 0)")
        with source.as_admin(admin) as locked:
            assert locked.exists("user")


def test_a_reader_that_does_not_know_the_admin_s_password_yet_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch, server: MySQL, admin: Credential
) -> None:
    """It follows the writer. Here it is a server of its own, with another password."""
    source = Source(server.ca_pem, readers=["localhost"])
    connect = source._connect

    def refuse(who: Credential) -> object:
        return connect(replace(who, password=Password("old")) if who.host == "localhost" else who)

    monkeypatch.setattr(source, "_connect", refuse)
    with pytest.raises(SourceUnreachable):
        source.sessions(admin, "user")


def test_whether_the_admin_may_end_others_sessions(server: MySQL, source: Source, admin: Credential) -> None:
    execute(server, f"CREATE USER less IDENTIFIED BY '{SECOND}' REQUIRE SSL", "GRANT PROCESS, CREATE USER ON *.* TO less")
    less = credential(server, "less", SECOND)
    assert (source.inspect(admin, []).ends_sessions, source.inspect(less, []).ends_sessions) == (True, False)
    execute(server, "GRANT CONNECTION_ADMIN, AUDIT_ADMIN ON *.* TO less")
    assert source.inspect(less, []).ends_sessions
