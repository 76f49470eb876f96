"""No password is ever in a statement: not in the server's log, nor where it counts statements, in whatever way it is written."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress

import pytest
from rotation.core.errors import RotationError
from rotation.core.model import Password
from rotation.sources.postgresql import connection, scram

from local.canary import ways_to_write
from local.leftovers import Leftovers
from local.postgresql import PostgreSQL
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SECOND, THIRD
from tests.contract.postgresql_database import RealPostgreSQL

TALKATIVE = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "log_min_messages": "debug1",
    "log_min_duration_statement": "0",
    "log_error_verbosity": "verbose",
    "log_parameter_max_length_on_error": "-1",
}
FOURTH, FIFTH = "fourth-canary-5", "fifth-canary-6"
CANARIES = (ADMIN_PASSWORD, FIRST, SECOND, THIRD, FOURTH, FIFTH)


@pytest.fixture(scope="module")
def talkative() -> Iterator[PostgreSQL]:
    """Whatever a server can be told to write, and the operator's own statements, which hold passwords, forgotten."""
    with Leftovers() as run, PostgreSQL(run.directory / "postgresql", run.environment, TALKATIVE) as server:
        RealPostgreSQL.prepare(server)
        server.execute("CREATE EXTENSION pg_stat_statements")
        yield server


@pytest.fixture
def here(talkative: PostgreSQL) -> Iterator[RealPostgreSQL]:
    here = RealPostgreSQL(talkative)
    talkative.execute("SELECT pg_stat_statements_reset()")
    talkative.log.write_bytes(b"")
    yield here
    here.leave()


def everything(here: RealPostgreSQL) -> None:
    """Whatever a rotation may do with a password, and what is refused in the middle of it."""
    source, admin, user = here.source, here.credential(ADMIN, ADMIN_PASSWORD), here.credential("user", FIRST)
    for password in (FIRST, FIFTH, ADMIN_PASSWORD):
        source.logs_in(here.credential("user", password))
    with source.as_admin(admin) as session:
        session.set_password("user", Password(SECOND), retain=False)
        session.create_user(here.credential("made", THIRD), user)
        session.copy_grants(here.credential("made", THIRD), user)
        for refused in (
            lambda: session.create_user(here.credential("made", FOURTH), user),
            lambda: session.set_password("postgres", Password(FOURTH), retain=False),
            lambda: session.set_password("nobody", Password(FOURTH), retain=False),
            lambda: session.set_password("user", Password(FOURTH), retain=True),
        ):
            with suppress(RotationError):
                refused()
        session.set_password(ADMIN, Password(FIFTH), retain=False)
    with source.as_admin(here.credential(ADMIN, FIFTH)) as session:
        session.set_password(ADMIN, Password(ADMIN_PASSWORD), retain=False)
    source.inspect(admin, ["user", "made"])


def found(here: RealPostgreSQL) -> list[str]:
    """Where, and how it was written."""
    counted = here.server.execute("SELECT query FROM pg_stat_statements UNION ALL SELECT query FROM pg_stat_activity")
    places = {
        "log": here.server.log.read_bytes(),
        "pg_stat_statements": "\n".join(str(query) for (query,) in counted).encode(),
    }
    assert all(b"ALTER ROLE" in text for text in places.values()), "both have what was done"
    ways = [way for canary in CANARIES for way in ways_to_write(canary)]
    return [f"{place}: {way}" for place, text in places.items() for way, needle in ways if needle in text]


def test_no_password_is_written_anywhere_by_the_server(here: RealPostgreSQL) -> None:
    everything(here)
    assert found(here) == []


def test_one_that_is_sent_would_be_found(monkeypatch: pytest.MonkeyPatch, here: RealPostgreSQL) -> None:
    """The test above finds something where there is something."""
    monkeypatch.setattr(connection, "verifier", lambda password, _: password.reveal())
    everything(here)
    assert {"log: raw", "pg_stat_statements: raw"} <= set(found(here))


@pytest.mark.parametrize("password", [FIRST, "a", "x" * 200, "pässwörd-€-密码", "Ⅸ ﬁ", "\u00a0space"])
def test_the_server_would_have_computed_the_same(here: RealPostgreSQL, password: str) -> None:
    here.execute(f"ALTER ROLE \"user\" PASSWORD '{password}'")
    stored = here.stored("user")
    salt = b64decode(stored.split("$")[1].partition(":")[2])
    assert scram.verifier(Password(password), salt) == stored


def test_what_is_computed_here_is_stored_to_the_byte_and_is_never_the_same_twice(
    monkeypatch: pytest.MonkeyPatch, here: RealPostgreSQL
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(connection, "verifier", lambda *given: sent.append(scram.verifier(*given)) or sent[-1])
    with here.source.as_admin(here.credential(ADMIN, ADMIN_PASSWORD)) as session:
        for _ in range(2):
            session.set_password("user", Password(SECOND), retain=False)
            assert here.stored("user") == sent[-1]
    assert sent[0] != sent[1]


def test_a_verifier_that_is_not_well_formed_is_taken_for_a_password_so_the_login_after_it_decides(
    monkeypatch: pytest.MonkeyPatch, here: RealPostgreSQL
) -> None:
    """PostgreSQL says nothing. `ensure_password` logs in before it calls a password given."""
    broken = "SCRAM-SHA-256$4096:AAAA$BBBB:CCCC"
    monkeypatch.setattr(connection, "verifier", lambda *_: broken)
    with here.source.as_admin(here.credential(ADMIN, ADMIN_PASSWORD)) as session:
        session.set_password("user", Password(SECOND), retain=False)
    assert here.source.logs_in(here.credential("user", broken))
    assert not here.source.logs_in(here.credential("user", SECOND))


def test_a_policy_is_asked_and_its_refusal_is_named(here: RealPostgreSQL) -> None:
    """passwordcheck sees of a verifier only whether it is that of the user's own name."""
    here.execute("CREATE ROLE canary_name LOGIN")
    here.server.stop()
    here.server.settings["shared_preload_libraries"] = "pg_stat_statements,passwordcheck"
    here.server.start()
    try:
        with here.source.as_admin(here.credential(ADMIN, ADMIN_PASSWORD)) as session, pytest.raises(RotationError) as refused:
            session.set_password("canary_name", Password("canary_name"), retain=False)
        assert type(refused.value).__name__ == "PasswordRejected"
    finally:
        here.server.stop()
        here.server.settings["shared_preload_libraries"] = TALKATIVE["shared_preload_libraries"]
        here.server.start()
