"""What stands for RDS Proxy: it knows each user by a secret, a little late, and keeps its sessions. So it fails as that does."""

import json
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from local.aws import LocalAws
from local.certificates import Authority
from local.leftovers import Leftovers
from local.mysql import Login
from local.proxy.cache import in_secrets_manager
from local.proxy.server import Pooled, Proxy
from tests.until import until

DATABASE, OWNER = "clinic", "clinic_owner"
NEVER = 3600.0
A, B = Login("app_a", "a-canary: / @ % { } \" \\ ' é 漢"), Login("app_b", "b-canary")
NEW = Login("app_a", "a-canary-2")
AT_ONCE = 6
SOON = {"query_wait_timeout": "1"}
"""A client that no session can be opened for is told so."""


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def server(run: Leftovers) -> Iterator[Pooled]:
    with Pooled(run.directory / "postgresql", run.environment) as server:
        server.create_database(DATABASE, OWNER)
        server.create_user(A, OWNER)
        server.create_user(B, OWNER)
        yield server


class Secrets:
    """One for each user, and what it holds now."""

    def __init__(self) -> None:
        self.held = {A.username: A.password, B.username: B.password}
        self.readable = True
        self.looks = 0

    def look(self) -> dict[str, str]:
        self.looks += 1
        if not self.readable:
            raise OSError("they cannot be reached")
        return self.held

    def put(self, login: Login) -> None:
        self.held = {**self.held, login.username: login.password}

    def remove(self, username: str) -> None:
        self.held = {name: password for name, password in self.held.items() if name != username}


@pytest.fixture
def secrets(server: Pooled) -> Secrets:
    for login in (A, B):
        server.set_password(login)
    return Secrets()


@pytest.fixture
def proxy(run: Leftovers, server: Pooled, secrets: Secrets) -> Iterator[Proxy]:
    """It looks when a test says so."""
    with Proxy(run.directory / f"proxy-{uuid.uuid4()}", server, [DATABASE], secrets.look, every=NEVER, settings=SOON) as proxy:
        yield proxy


def accepts(proxy: Proxy, login: Login) -> bool:
    return proxy.accepts(login, DATABASE)


def works(session: Any) -> bool:
    """As the application does, by what its user may."""
    return bool(session.run("SELECT count(*) FROM app.facility WHERE id = :id", id=3) == [[1]])


def sessions_of(server: Pooled, username: str) -> list[int]:
    return [row[0] for row in server.execute(f"SELECT pid FROM pg_stat_activity WHERE usename = '{username}' ORDER BY pid")]  # noqa: S608


def end_sessions_of(server: Pooled, username: str) -> None:
    """As a restart of the server, a fail-over or the pool's own time-out would."""
    for number in sessions_of(server, username):
        server.execute(f"SELECT pg_terminate_backend({number}, 5000)")


# Who gets in


def test_each_user_gets_in_with_what_its_secret_holds_and_with_nothing_else(proxy: Proxy) -> None:
    for login, other in ((A, B), (B, A)):
        with proxy.connect(login, DATABASE) as session:
            assert works(session)
        assert not accepts(proxy, Login(login.username, other.password))


def test_a_user_without_a_secret_does_not_get_in_whatever_the_database_says(server: Pooled, secrets: Secrets, proxy: Proxy) -> None:
    secrets.remove(B.username)
    proxy.cache.refresh()
    assert not accepts(proxy, B)
    assert server.accepts(B, DATABASE)
    secrets.put(B)
    proxy.cache.refresh()
    assert accepts(proxy, B)


def test_a_user_that_only_the_secret_knows_is_an_error_and_not_a_refused_login(secrets: Secrets, proxy: Proxy) -> None:
    nobody = Login("nobody_there", "canary")
    secrets.put(nobody)
    proxy.cache.refresh()
    with pytest.raises(pg8000.native.Error):
        accepts(proxy, nobody)


def test_a_database_that_it_does_not_have_is_an_error_and_not_a_refused_login(proxy: Proxy) -> None:
    with pytest.raises(pg8000.native.DatabaseError, match="no such database"):
        proxy.accepts(A, "other")


def test_it_speaks_tls_only_with_a_certificate_of_its_own_authority(proxy: Proxy) -> None:
    def connect(context: ssl.SSLContext | bool) -> None:
        pg8000.native.Connection(
            A.username, password=A.password, host=proxy.host, port=proxy.port, database=DATABASE, ssl_context=context
        )

    with pytest.raises(pg8000.native.DatabaseError, match="SSL required"):
        connect(False)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(ssl.create_default_context(cadata=Authority("another").pem))


# A little late


def test_a_changed_password_is_known_only_after_the_next_look(server: Pooled, secrets: Secrets, proxy: Proxy) -> None:
    assert accepts(proxy, A)
    server.set_password(NEW)
    secrets.put(NEW)
    assert accepts(proxy, A), "by a session that was open before"
    assert not accepts(proxy, NEW)
    proxy.cache.refresh()
    assert not accepts(proxy, A)
    assert accepts(proxy, NEW)


def test_it_looks_by_itself_every_so_many_seconds(run: Leftovers, server: Pooled, secrets: Secrets) -> None:
    with Proxy(run.directory / "looking", server, [DATABASE], secrets.look, every=0.1) as proxy:
        server.set_password(NEW)
        secrets.put(NEW)
        until(lambda: accepts(proxy, NEW))
        assert not accepts(proxy, A)


def test_while_the_secrets_cannot_be_read_it_goes_on_with_what_it_knows(run: Leftovers, server: Pooled, secrets: Secrets) -> None:
    with Proxy(run.directory / "blind", server, [DATABASE], secrets.look, every=0.1) as proxy:
        secrets.put(NEW)
        until(lambda: NEW.password in proxy.cache.known.values())
        secrets.readable = False
        secrets.put(A)
        looks = secrets.looks
        until(lambda: secrets.looks >= looks + 3)
        assert proxy.cache.known[A.username] == NEW.password
        secrets.readable = True
        until(lambda: accepts(proxy, A))


# The pool


def test_sessions_stay_open_when_their_clients_have_gone(server: Pooled, proxy: Proxy) -> None:
    assert accepts(proxy, A)
    first = sessions_of(server, A.username)
    assert len(first) == 1
    assert accepts(proxy, A)
    assert sessions_of(server, A.username) == first
    assert proxy.pooled(A.username) == 1


def test_a_password_that_changes_in_the_database_alone_is_not_noticed_while_a_session_lives(server: Pooled, proxy: Proxy) -> None:
    with proxy.connect(A, DATABASE) as held:
        assert works(held)
        server.set_password(NEW)
        assert works(held)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert all(pool.map(lambda _: accepts(proxy, A), range(AT_ONCE)))
        assert not accepts(proxy, NEW)
        assert works(held)


def test_a_wrong_secret_is_noticed_when_no_session_lives_any_more(server: Pooled, secrets: Secrets, proxy: Proxy) -> None:
    with proxy.connect(A, DATABASE) as held:
        assert works(held)
        server.set_password(NEW)
        end_sessions_of(server, A.username)
        with pytest.raises(pg8000.native.Error):
            accepts(proxy, A)
        with pytest.raises(pg8000.native.Error):
            works(held)
        assert not accepts(proxy, NEW)
    secrets.put(NEW)
    proxy.cache.refresh()
    until(lambda: succeeds(lambda: accepts(proxy, NEW)))


def test_the_wrong_order_the_secret_first_shows_only_when_no_session_lives_any_more(
    server: Pooled, secrets: Secrets, proxy: Proxy
) -> None:
    assert accepts(proxy, A)
    secrets.put(NEW)
    proxy.cache.refresh()
    assert accepts(proxy, NEW), "of which the database knows nothing"
    assert not server.accepts(NEW, DATABASE)
    end_sessions_of(server, A.username)
    with pytest.raises(pg8000.native.Error):
        accepts(proxy, NEW)


def succeeds(act: Callable[[], bool]) -> bool:
    """pgbouncer waits a second before it tries again after a login that failed."""
    try:
        return act()
    except pg8000.native.Error:
        return False


def test_what_it_learns_of_one_user_touches_no_session_of_anybody(server: Pooled, secrets: Secrets, proxy: Proxy) -> None:
    with proxy.connect(A, DATABASE) as a, proxy.connect(B, DATABASE) as b:
        assert works(a)
        assert works(b)
        before = [sessions_of(server, login.username) for login in (A, B)]
        server.set_password(NEW)
        secrets.put(NEW)
        proxy.cache.refresh()
        assert accepts(proxy, NEW)
        assert works(a)
        assert works(b)
        assert [sessions_of(server, login.username) for login in (A, B)] == before


def test_users_in_turn_avoid_all_of_it(server: Pooled, secrets: Secrets, proxy: Proxy) -> None:
    """The order of a rotation: the next user's password in the database, in its secret, through the proxy; then the traffic."""
    with proxy.connect(A, DATABASE) as held:
        new = Login(B.username, "b-canary-2")
        server.set_password(new)
        secrets.put(new)
        proxy.cache.refresh()
        assert accepts(proxy, new)
        assert works(held)
    end_sessions_of(server, B.username)
    until(lambda: succeeds(lambda: accepts(proxy, new)))


def test_a_client_that_finds_all_sessions_taken_waits_and_is_then_told(run: Leftovers, server: Pooled, secrets: Secrets) -> None:
    small = {**SOON, "default_pool_size": "1"}
    with (
        Proxy(run.directory / "small", server, [DATABASE], secrets.look, every=NEVER, settings=small) as proxy,
        proxy.connect(A, DATABASE) as first,
    ):
        first.run("BEGIN")
        assert works(first)
        with pytest.raises(pg8000.native.Error):
            accepts(proxy, A)
        first.run("COMMIT")
        until(lambda: succeeds(lambda: accepts(proxy, A)))


# Its beginning and its end


def test_stopped_it_is_not_there_and_started_again_it_knows_what_the_secrets_hold_by_then(
    server: Pooled, secrets: Secrets, proxy: Proxy
) -> None:
    port = proxy.port
    proxy.stop()
    proxy.start()
    assert accepts(proxy, A), "of whom nothing changed"
    proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, port))
    server.set_password(NEW)
    secrets.put(NEW)
    proxy.start()
    assert proxy.port == port
    assert accepts(proxy, NEW)
    assert not accepts(proxy, A)


def test_no_password_is_in_its_log_and_stopped_it_leaves_none_in_a_file(proxy: Proxy) -> None:
    assert accepts(proxy, A)
    assert not accepts(proxy, NEW)
    proxy.stop()
    text = "".join(path.read_text(errors="replace") for path in proxy.directory.glob("*") if path.is_file())
    assert "app_a" in text
    assert "canary" not in text


# From Secrets Manager


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws


def test_of_a_secret_the_current_version_counts_and_no_other(
    run: Leftovers, server: Pooled, secrets: Secrets, aws: LocalAws
) -> None:
    client = aws.client("secretsmanager")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    arn = client.create_secret(Name=f"proxy/{uuid.uuid4()}", SecretString=text_of(A), ClientRequestToken=first)["ARN"]
    with Proxy(run.directory / "current", server, [DATABASE], in_secrets_manager(client, [arn]), every=NEVER) as proxy:
        assert accepts(proxy, A)
        client.put_secret_value(SecretId=arn, SecretString=text_of(NEW), ClientRequestToken=second, VersionStages=["AWSPENDING"])
        proxy.cache.refresh()
        assert proxy.cache.known == {A.username: A.password}
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=second, RemoveFromVersionId=first
        )
        proxy.cache.refresh()
        assert proxy.cache.known == {NEW.username: NEW.password}


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"username": "app_a"}', '{"password": "x"}', '"app_a"'])
def test_a_secret_that_it_cannot_use_costs_only_its_own_user(aws: LocalAws, text: str) -> None:
    client = aws.client("secretsmanager")
    arns = [client.create_secret(Name=f"proxy/{uuid.uuid4()}", SecretString=held)["ARN"] for held in (text, text_of(B))]
    assert in_secrets_manager(client, arns)() == {B.username: B.password}


def text_of(login: Login) -> str:
    return json.dumps({"username": login.username, "password": login.password, "engine": "postgres"})
