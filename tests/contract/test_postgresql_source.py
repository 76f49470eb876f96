"""The source on a real PostgreSQL: who is let in, what refusals are called, the admin's session. What every source shows is in
test_sources."""

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pg8000.native import DatabaseError, InterfaceError
from rotation.core.errors import (
    AccountLocked,
    PasswordRejected,
    RotationError,
    SourceBusy,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
)
from rotation.core.model import Credential, Password
from rotation.sources.postgresql import connection, session
from rotation.sources.postgresql.adapter import PostgreSQL as Source
from rotation.sources.postgresql.sqlstates import named
from rotation.sources.servers import Denied
from rotation.sources.tls import verified

from local.certificates import Authority
from local.ports import free_port
from local.postgres import RULES
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA, SECOND, raises
from tests.contract.postgresql_database import RealPostgreSQL

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.fixture
def user(real: RealPostgreSQL) -> Credential:
    return real.credential("user", FIRST)


@pytest.fixture
def admin(real: RealPostgreSQL) -> Credential:
    return real.credential(ADMIN, ADMIN_PASSWORD)


# Who is reached


def test_a_port_that_nobody_listens_on_is_unreachable_and_not_a_no(real: RealPostgreSQL, user: Credential) -> None:
    with raises(SourceUnreachable):
        real.source.logs_in(replace(user, port=free_port()))


def test_a_host_that_nobody_knows_is_unreachable(real: RealPostgreSQL, user: Credential) -> None:
    with raises(SourceUnreachable):
        real.source.logs_in(replace(user, host="database.invalid"))


@pytest.mark.parametrize("answer", [b"", b"E", b"S"], ids=["hangs up", "says an error", "promises TLS and hangs up"])
def test_a_server_that_does_not_go_on_is_unreachable(real: RealPostgreSQL, user: Credential, answer: bytes) -> None:
    with answering(answer) as (port, _), raises(SourceUnreachable):
        real.source.logs_in(replace(user, port=port))


def test_a_server_that_says_nothing_is_unreachable(monkeypatch: pytest.MonkeyPatch, real: RealPostgreSQL, user: Credential) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, raises(SourceUnreachable):
        real.source.logs_in(replace(user, port=silent.getsockname()[1]))


def test_a_server_that_offers_no_tls_is_told_nothing(real: RealPostgreSQL, user: Credential) -> None:
    """A man in the middle need only say one letter; a client that then goes on in plain text is lost."""
    with answering(b"N") as (port, said), raises(SourceUntrusted):
        real.source.logs_in(replace(user, port=port))
    assert b"".join(said) == SSL_REQUEST


def test_what_comes_before_tls_is_not_taken_for_what_comes_after_it(real: RealPostgreSQL, user: Credential) -> None:
    with answering(b"SR\x00\x00\x00\x08\x00\x00\x00\x00") as (port, _), raises(SourceUntrusted):
        real.source.logs_in(replace(user, port=port))


def test_another_authority_is_not_trusted_and_is_told_no_user(real: RealPostgreSQL, user: Credential) -> None:
    before = real.server.log.stat().st_size
    for ca in (Authority("somebody else").pem, "rds"):
        with raises(SourceUntrusted):
            Source(ca).logs_in(replace(user, username="nobody_is_told"))
    assert "nobody_is_told" not in real.server.log.read_text()[before:]


def test_a_certificate_of_another_host_is_not_trusted(real: RealPostgreSQL, user: Credential) -> None:
    """127.1 is 127.0.0.1 to the network and another name to the certificate."""
    with raises(SourceUntrusted):
        real.source.logs_in(replace(user, host="127.1"))


@pytest.mark.parametrize("newest", ["TLSv1.3", "TLSv1.2"])
def test_the_newest_tls_that_both_know_is_used(real: RealPostgreSQL, admin: Credential, newest: str) -> None:
    real.set_up(ssl_max_protocol_version=newest)
    assert real.source.inspect(admin, []).tls == newest


@pytest.mark.parametrize("ca", ["rds", Authority("somebody").pem], ids=["RDS", "one's own"])
def test_nothing_older_and_nobody_unverified_is_talked_to(ca: str) -> None:
    context = verified(ca)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


# Who logs in

NO: dict[str, tuple[str, str]] = {
    "its time has passed": ("ALTER ROLE \"user\" VALID UNTIL '2001-01-01'", FIRST),
    "it has no password": ('ALTER ROLE "user" PASSWORD NULL', FIRST),
    "its password is empty": ("ALTER ROLE \"user\" PASSWORD ''", ""),
    "it may not log in, and the password is wrong": ('ALTER ROLE "user" NOLOGIN', SECOND),
}


@pytest.mark.parametrize(("made_so", "password"), NO.values(), ids=NO)
def test_what_the_server_refuses_as_it_refuses_a_wrong_password_is_a_no(real: RealPostgreSQL, made_so: str, password: str) -> None:
    real.execute(made_so)
    assert not real.source.logs_in(real.credential("user", password))


REFUSED: dict[str, tuple[str, type[RotationError]]] = {
    "may not log in": ('ALTER ROLE "user" NOLOGIN', AccountLocked),
    "has its most sessions": ('ALTER ROLE "user" CONNECTION LIMIT 0', SourceUnreachable),
    "may not connect to the database": (f"REVOKE CONNECT ON DATABASE {SCHEMA} FROM PUBLIC", SourceRefused),
}


@pytest.mark.parametrize(("made_so", "kind"), REFUSED.values(), ids=REFUSED)
def test_a_right_password_that_is_refused_is_never_a_no(
    real: RealPostgreSQL, user: Credential, made_so: str, kind: type[RotationError]
) -> None:
    real.execute('ALTER ROLE "user" NOINHERIT', made_so)
    try:
        with raises(kind):
            real.source.logs_in(user)
    finally:
        real.execute(f"GRANT CONNECT ON DATABASE {SCHEMA} TO PUBLIC")


def test_a_database_that_is_not_there_is_named_so(real: RealPostgreSQL, user: Credential) -> None:
    with raises(SourceRefused):
        real.source.logs_in(replace(user, dbname="nowhere"))


def test_a_rule_that_lets_nobody_in_is_not_a_locked_user(real: RealPostgreSQL, user: Credential) -> None:
    """Both are 28000; it is said before the password is looked at."""
    real.rules('hostssl all "user" 127.0.0.1/32 reject', *RULES)
    with raises(SourceRefused):
        real.source.logs_in(user)


def test_a_server_that_still_asks_for_md5_is_given_it_and_keeps_a_verifier_from_then_on(
    real: RealPostgreSQL, user: Credential, admin: Credential
) -> None:
    real.execute("SET password_encryption = 'md5'", f"ALTER ROLE \"user\" PASSWORD '{FIRST}'")
    real.rules('hostssl all "user" 127.0.0.1/32 md5', *RULES)
    assert real.source.logs_in(user)
    with real.source.as_admin(admin) as as_admin:
        as_admin.set_password("user", Password(SECOND), retain=False)
    assert real.source.logs_in(replace(user, password=Password(SECOND)))
    assert real.stored("user").startswith("SCRAM-SHA-256$4096:")


def test_a_server_that_is_shutting_down_is_unreachable(real: RealPostgreSQL, user: Credential) -> None:
    with real.works_as("user", FIRST) as work:
        real.server.send(signal.SIGTERM)  # waits for whoever is connected
        with raises(SourceUnreachable):
            real.source.logs_in(user)
        assert work.goes_on()
    real.server.stop()
    real.server.start()
    assert real.source.logs_in(user)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("57P03", SourceUnreachable), ("57P01", SourceUnreachable), ("53300", SourceUnreachable), ("57014", SourceUnreachable),
        ("08006", SourceUnreachable), ("25006", SourceReadOnly), ("55P03", SourceBusy), ("40001", SourceBusy),
        ("42601", SourceRefused), ("22023", SourceRefused), ("28000", SourceRefused), ("XX000", SourceRefused),
    ],
)  # fmt: skip
def test_what_codes_are_called(state: str, kind: type[RotationError]) -> None:
    assert type(named(state, "", "host")) is kind
    assert state in str(named(state, "", "host"))


def test_what_the_server_said_counts_though_the_driver_then_fails_to_hang_up() -> None:
    """It closes the connection after a refusal, and may find that the server did so first."""
    refused = DatabaseError({"C": "28P01", "R": "auth_failed"})
    lost = InterfaceError("network error")
    lost.__context__ = BrokenPipeError()
    lost.__context__.__context__ = refused
    assert isinstance(connection._error(lost, "host", SourceRefused), Denied)
    ours = SourceRefused("another story")
    ours.__context__, lost.__context__ = refused, ours
    assert isinstance(connection._error(lost, "host", SourceRefused), SourceUnreachable), "what was told before is another story"


# The admin's session


def test_the_second_waits_for_the_first(real: RealPostgreSQL, admin: Credential) -> None:
    held, entered = threading.Event(), threading.Event()

    def second() -> None:
        held.wait()
        with real.source.as_admin(admin):
            entered.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    try:
        with real.source.as_admin(admin):
            held.set()
            assert not entered.wait(0.3)
    finally:
        held.set()
        waiting.join()
    assert entered.is_set()


def test_a_user_of_the_application_cannot_hold_our_lock_by_its_name(real: RealPostgreSQL, admin: Credential) -> None:
    source = Source(real.server.ca_pem, secret="arn:aws:secretsmanager:…:secret:openemr/admin-AbCdEf")
    with real.source.as_admin(admin), source.as_admin(admin) as as_admin:
        assert as_admin.exists("user")


def test_a_server_that_turns_read_only_says_so(real: RealPostgreSQL, admin: Credential) -> None:
    with real.source.as_admin(admin) as as_admin:
        real.set_up(default_transaction_read_only="on")
        with raises(SourceReadOnly):
            as_admin.set_password("user", Password(SECOND), retain=False)


def test_a_statement_that_takes_too_long_is_unknown(
    monkeypatch: pytest.MonkeyPatch, real: RealPostgreSQL, admin: Credential
) -> None:
    monkeypatch.setattr(session, "STATEMENT_SECONDS", 1)
    with real.source.as_admin(admin) as as_admin, raises(SourceUnreachable):
        as_admin._connection.run("SELECT pg_sleep(30)")  # type: ignore[attr-defined]


def test_a_statement_that_the_server_quotes_back_is_not_quoted_on(real: RealPostgreSQL, admin: Credential) -> None:
    with real.source.as_admin(admin) as as_admin, raises(SourceRefused):
        as_admin._connection.run(f"ALTER ROL \"user\" PASSWORD '{SECOND}'")  # type: ignore[attr-defined]


def test_nothing_that_an_application_made_runs_as_the_admin(real: RealPostgreSQL, admin: Credential) -> None:
    """Whoever may make a function or an operator in a schema on the path could have it called by whoever comes by."""
    real.execute(
        "CREATE TABLE app.caught (who text)",
        "CREATE FUNCTION app.current_setting(text) RETURNS text AS "
        "$$INSERT INTO app.caught VALUES (current_user); SELECT 'off'$$ LANGUAGE sql SECURITY INVOKER",
        "GRANT ALL ON app.caught TO PUBLIC",
        "GRANT USAGE ON SCHEMA app TO PUBLIC",
        f"ALTER ROLE {ADMIN} SET search_path = app, pg_catalog",
    )
    try:
        with real.source.as_admin(admin) as as_admin:
            as_admin.set_password("user", Password(SECOND), retain=False)
        assert real.execute("SELECT * FROM app.caught") == []
    finally:
        real.execute(
            f"ALTER ROLE {ADMIN} RESET search_path", "DROP FUNCTION app.current_setting", "DROP TABLE app.caught",
            "REVOKE USAGE ON SCHEMA app FROM PUBLIC",
        )  # fmt: skip


def test_what_is_set_for_the_admin_is_not_relied_upon(real: RealPostgreSQL, admin: Credential) -> None:
    """It may act as somebody who may do nothing, see all names as something else, and write backslashes in its own way."""
    real.execute(
        "CREATE ROLE feeble",
        f"GRANT feeble TO {ADMIN}",
        f"ALTER ROLE {ADMIN} SET role = feeble",
        f"ALTER ROLE {ADMIN} SET standard_conforming_strings = off",
        f"ALTER ROLE {ADMIN} SET client_encoding = 'LATIN1'",
        "ALTER ROLE \"user\" SET application_name = 'it is \\ so'",
    )
    try:
        with real.source.as_admin(admin) as as_admin:
            as_admin.create_user(real.credential("mäde\\'\"", SECOND), real.credential("user", FIRST))
            assert real.source.logs_in(real.credential("mäde\\'\"", SECOND))
            assert not as_admin.copy_grants(real.credential("mäde\\'\"", SECOND), real.credential("user", FIRST))
    finally:
        real.execute(f"ALTER ROLE {ADMIN} RESET ALL", 'DROP OWNED BY "mäde\\\'"""', 'DROP ROLE "mäde\\\'"""')


def test_our_sessions_say_who_they_are_and_do_not_stay(real: RealPostgreSQL, admin: Credential) -> None:
    with real.source.as_admin(admin):
        seen = f"SELECT application_name FROM pg_stat_activity WHERE usename = '{ADMIN}'"  # noqa: S608 - our own name
        assert real.execute(seen) == [["credential-rotation"]]


# Passwords


@pytest.mark.parametrize("password", ["", "tab\there", "unassigned\u0378", "\u0627mixed"])
def test_a_password_on_which_clients_differ_is_refused_before_anything_is_sent(
    real: RealPostgreSQL, user: Credential, admin: Credential, password: str
) -> None:
    with real.source.as_admin(admin) as as_admin, raises(PasswordRejected):
        as_admin.set_password("user", Password(password), retain=False)
    assert real.source.logs_in(user)


@pytest.mark.parametrize(
    ("made_so", "said"), [("VALID UNTIL '2001-01-01'", "VALID UNTIL"), ("NOLOGIN", "may not log in")], ids=["expired", "locked"]
)
def test_a_user_whom_no_password_lets_in_is_named_and_not_altered(
    real: RealPostgreSQL, admin: Credential, made_so: str, said: str
) -> None:
    real.execute(f'ALTER ROLE "user" {made_so}')
    before = real.stored("user")
    with real.source.as_admin(admin) as as_admin, pytest.raises(AccountLocked, match=said):
        as_admin.set_password("user", Password(SECOND), retain=False)
    assert real.stored("user") == before


def test_a_time_that_is_to_come_stays_as_it_is(real: RealPostgreSQL, admin: Credential) -> None:
    real.execute("ALTER ROLE \"user\" VALID UNTIL '2999-01-01'")
    with real.source.as_admin(admin) as as_admin:
        as_admin.set_password("user", Password(SECOND), retain=False)
    assert real.source.logs_in(real.credential("user", SECOND))
    assert real.execute("SELECT extract(year FROM rolvaliduntil)::int FROM pg_roles WHERE rolname = 'user'") == [[2999]]


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Says that to the first who asks, keeps what he said, and hangs up."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                said.append(client.recv(4096))
                client.sendall(answer)
                if answer == b"N":
                    client.settimeout(2)
                    said.append(client.recv(4096))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], said
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # nobody may have come
            thread.join()
