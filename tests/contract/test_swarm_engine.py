"""The way to a Swarm's managers: mutual TLS with one authority, a version that both know, errors by our own names.

What a real engine adds is in the suite of the services."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from rotation.consumers.swarm import engine as shipped
from rotation.consumers.swarm import services
from rotation.consumers.swarm.engine import Access, Engine, Identity
from rotation.core.errors import (
    SecretInvalid,
    SwarmConflict,
    SwarmDenied,
    SwarmObjectMissing,
    SwarmRefused,
    SwarmUnavailable,
    SwarmUntrusted,
    SwarmValueTooLarge,
)
from rotation.core.model import Credential, Password, SecretText, Version
from rotation.ports import Surroundings

from local import certificates
from local.certificates import Authority
from tests.conformance.consumers import CANARY, A, refused
from tests.worlds.swarm import Answer, Swarm
from tests.worlds.swarm_client import EngineServer

KEYS = {"login": "{username}:{password}"}


class Site:
    """Certificates of one authority, and a server with one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority("the Swarm's")
        self.swarm = Swarm()
        self.swarm.add_node("m1", "manager")
        self.client = self._issued(self.authority, "client")
        self._stack = ExitStack()

    def _issued(self, authority: Authority, stem: str) -> Identity:
        made = authority.issue(self.folder, stem)
        return Identity(made.certificate.read_text(), Password(made.key.read_text()), "arn:the-client")

    def server(self, **versions: str) -> EngineServer:
        """One more manager."""
        made = self.authority.issue(self.folder, "manager")
        server = EngineServer(self.swarm, str(made.certificate), str(made.key), self.authority.pem, **versions)
        return self._stack.enter_context(server.serving())

    def engine(self, *managers: str, ca: str = "", tls: str = "1.3", identity: Identity | None = None) -> Engine:
        engine = Engine(Access(managers, ca or self.authority.pem, tls, lambda: identity or self.client))
        self._stack.callback(engine.close)
        return engine

    def stranger(self) -> Identity:
        return self._issued(Authority("another"), "stranger")

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_who_is_vouched_for_is_answered(site: Site) -> None:
    site.swarm.add_secret("login", labels={"a": "b"})
    engine = site.engine(site.server().manager)
    assert [one["Spec"]["Name"] for one in engine.get("secrets")] == ["login"]


# Who we are, and who they are


def test_the_least_version_of_tls_is_the_target_s(site: Site) -> None:
    server = site.server()
    server.context.maximum_version = ssl.TLSVersion.TLSv1_2
    with refused(SwarmUntrusted, server.manager, "tls: 1.2"):
        site.engine(server.manager).get("nodes")
    assert len(site.engine(server.manager, tls="1.2").get("nodes")) == 1


def test_a_manager_that_another_authority_vouches_for_is_not_spoken_to(site: Site) -> None:
    server = site.server()
    with refused(SwarmUntrusted, server.manager, "ca"):
        site.engine(server.manager, ca=Authority("another").pem).get("nodes")
    assert server.asked == []


def test_a_manager_of_another_name_is_not_spoken_to(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    port = site.server().manager.rpartition(":")[2]
    found = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **given: found("127.0.0.1", *more, **given))
    with refused(SwarmUntrusted, "swarm.example"):
        site.engine(f"swarm.example:{port}").get("nodes")


def test_neither_the_environment_nor_the_system_names_an_authority_or_a_proxy(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.pem").write_text(Authority("another").pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "other.pem"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "DOCKER_HOST"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert len(site.engine(site.server().manager).get("nodes")) == 1
    assert not (tmp_path / "keys").exists()
    (tmp_path / "ours.pem").write_text(site.authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    with refused(SwarmUntrusted):
        site.engine(site.server().manager, ca=Authority("another").pem).get("nodes")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_not_vouched_for_is_told_that_it_is_refused(site: Site, method: str) -> None:
    engine = site.engine(site.server().manager, identity=site.stranger())
    with refused(SwarmDenied, "refuses our certificate"):
        engine.get("nodes") if method == "GET" else engine.post("secrets/create", {})


def test_a_certificate_that_has_expired_is_named_before_anybody_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server = site.server()
    monkeypatch.setattr(certificates, "LIFETIME", timedelta(seconds=-60))
    expired = site._issued(site.authority, "expired")
    with refused(SwarmDenied, "arn:the-client", "has expired"):
        site.engine(server.manager, identity=expired).get("nodes")
    assert server.asked == []


def test_a_manager_whose_certificate_has_expired_is_said_to(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LIFETIME", timedelta(seconds=-60))
    server = site.server()
    with refused(SwarmUntrusted, server.manager, "expired"):
        site.engine(server.manager).get("nodes")


def test_a_key_is_in_no_file_while_or_after_it_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    server, load = site.server(), ssl.SSLContext.load_cert_chain

    def loaded(context: ssl.SSLContext, path: str, **given: Any) -> None:
        read.append(str(Path(path).resolve()))
        load(context, path, **given)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", loaded)
    assert len(site.engine(server.manager).get("nodes")) == 1
    (path,) = read
    assert "memfd:" in path
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("canary", "JSON object"),
        ('{"certificate": "canary"}', "certificate and key"),
        ('{"certificate": 1, "key": "canary"}', "certificate and key"),
        ('["canary"]', "JSON object"),
    ],
)
def test_a_secret_without_certificate_and_key_is_said_to_be_wrong(content: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _stored(monkeypatch, content)
    with refused(SecretInvalid, "arn:the-client", said):
        services.identity("arn:the-client")


def test_certificate_and_key_come_from_the_secret_that_the_target_names(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _stored(monkeypatch, json.dumps({"certificate": site.client.certificate, "key": site.client.key.reveal(), "note": "ours"}))
    settings = {"managers": [site.server().manager], "ca": site.authority.pem, "client_secret": "arn:the-client"}
    engine = services.engine(settings)
    assert len(engine.get("nodes")) == 1
    engine.close()


def _stored(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    class Store:
        def __init__(self, arn: str) -> None:
            self.arn = arn

        def current(self) -> Version:
            return Version("1", SecretText(content), frozenset())

    monkeypatch.setattr(services, "SecretsManagerStore", Store)


@pytest.mark.parametrize("spoilt", ["key", "other key", "locked key", "certificate", "ca"])
def test_what_is_no_certificate_or_not_its_key_is_refused_without_showing_it(site: Site, spoilt: str) -> None:
    server, client, ca = site.server(), site.client, ""
    if spoilt == "key":
        client = Identity(client.certificate, Password(CANARY), client.named)
    elif spoilt == "other key":
        client = Identity(client.certificate, site.stranger().key, client.named)
    elif spoilt == "locked key":
        client = Identity(client.certificate, Password(_locked(client.key.reveal())), client.named)
    elif spoilt == "certificate":
        client = Identity(CANARY, client.key, client.named)
    else:
        ca = CANARY
    with refused(SwarmUntrusted if spoilt == "ca" else SecretInvalid):
        site.engine(server.manager, ca=ca, identity=client).get("nodes")


def _locked(pem: str) -> str:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    key = load_pem_private_key(pem.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(CANARY.encode())).decode()


def test_who_we_are_shows_no_key(site: Site) -> None:
    assert "PRIVATE" not in repr(site.client)
    assert x509.load_pem_x509_certificate(site.client.certificate.encode()).not_valid_after_utc > datetime.now(UTC)


# The version


@pytest.mark.parametrize(
    ("latest", "least", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.44", "1.24", "1.44"), ("1.52", "1.44", "1.44"), ("1.60", "1.50", "1.50")],
)
def test_a_version_that_both_know_is_spoken(site: Site, latest: str, least: str, spoken: str) -> None:
    server = site.server(ApiVersion=latest, MinAPIVersion=least)
    site.engine(server.manager).get("nodes")
    assert server.asked == ["/version", f"/v{spoken}/nodes"]


@pytest.mark.parametrize("latest", ["1.40", "1.9", "", "none"])
def test_an_engine_that_is_too_old_is_refused(site: Site, latest: str) -> None:
    with refused(SwarmRefused, "too old"):
        site.engine(site.server(ApiVersion=latest).manager).get("nodes")


def test_one_connection_and_one_question_for_the_version_serve_many_calls(site: Site) -> None:
    server = site.server()
    engine = site.engine(server.manager)
    for _ in range(3):
        engine.get("nodes")
    assert server.asked.count("/version") == 1


# Who does not answer


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    """It takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def without_tls() -> Iterator[str]:
    """It speaks plain HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def serve() -> None:
            connection, _ = taken.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{taken.getsockname()[1]}"
        thread.join()


def test_another_manager_is_asked_where_one_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "REQUEST_SECONDS", 0.3)
    server = site.server()
    with silent() as mute:
        engine = site.engine(closed_port(), mute, server.manager)
        assert len(engine.get("nodes")) == 1
        assert len(engine.get("nodes")) == 1
    assert server.asked.count("/version") == 1


def test_where_no_manager_answers_that_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "REQUEST_SECONDS", 0.3)
    first, second = closed_port(), closed_port()
    with refused(SwarmUnavailable, first, second):
        site.engine(first, second).get("nodes")


def test_a_server_without_tls_is_not_trusted(site: Site) -> None:
    with without_tls() as plain, refused(SwarmUntrusted, plain):
        site.engine(plain).get("nodes")


@pytest.mark.parametrize("path", ["nodes", "secrets/create"])
def test_managers_without_a_quorum_are_said_to_have_none(site: Site, path: str) -> None:
    site.swarm.quorum = False
    engine = site.engine(site.server().manager, site.server().manager)
    with refused(SwarmUnavailable, "quorum"):
        engine.get(path) if path == "nodes" else engine.post(path, {})
    site.swarm.quorum = True
    assert len(engine.get("nodes")) == 1


def test_what_may_have_been_done_is_not_asked_of_another_manager(site: Site) -> None:
    server, other = site.server(), site.server()
    engine = site.engine(server.manager, other.manager)
    server.hangs_up_after = "POST"
    with refused(SwarmUnavailable, "may have done"):
        engine.post("secrets/create", {"Name": "login", "Data": "eA=="})
    assert len(site.swarm.secrets) == 1
    assert other.asked == []


def test_what_changes_nothing_is_asked_of_another_manager(site: Site) -> None:
    server, other = site.server(), site.server()
    engine = site.engine(server.manager, other.manager)
    engine.get("nodes")
    server.hangs_up_after = "GET"
    assert len(engine.get("nodes")) == 1
    assert other.asked != []


# What the engine says


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, f"secret is in use by the following service: {CANARY}", SwarmConflict),
        (400, f"invalid {CANARY}", SwarmRefused),
        (401, CANARY, SwarmDenied),
        (403, f"authorization denied by plugin {CANARY}", SwarmDenied),
        (404, f"service {CANARY} not found", SwarmObjectMissing),
        (409, f"secret {CANARY} already exists", SwarmConflict),
        (429, CANARY, SwarmUnavailable),
        (500, f"rpc error: code = Unknown desc = update out of sequence {CANARY}", SwarmConflict),
        (500, f"rpc error: code = DeadlineExceeded {CANARY}", SwarmUnavailable),
        (503, f"This node is not a swarm manager. {CANARY}", SwarmUnavailable),
        (503, f"The swarm does not have a leader {CANARY}", SwarmUnavailable),
    ],
)
def test_what_the_engine_says_becomes_our_own_and_is_not_passed_on(
    site: Site, status: int, message: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = site.server()
    engine = site.engine(server.manager)
    engine.get("nodes")
    monkeypatch.setattr(site.swarm, "answer", lambda *_: Answer(status, {"message": message}))
    with refused(kind, server.manager):
        engine.post("services/web/update", {}, version="1")


def test_a_value_that_is_too_large_is_refused_before_it_is_sent(site: Site) -> None:
    secrets = services.SwarmSecrets(site.engine(site.server().manager), Surroundings("shop", "arn:admin", secret="arn:s"), KEYS)
    large = Credential("app", Password(CANARY * 100_000), "db", 1, "app")
    with refused(SwarmValueTooLarge, "login", "511999"):
        secrets.keep(large, "version-1")
    assert site.swarm.secrets == {}


def test_a_name_is_sent_as_one_name(site: Site) -> None:
    server = site.server()
    with refused(SwarmObjectMissing):
        site.engine(server.manager).get("services/we b?x=1")
    assert server.asked[-1] == "/v1.41/services/we%20b%3Fx%3D1"


def test_what_was_kept_is_the_login_as_the_target_writes_it(site: Site) -> None:
    secrets = services.SwarmSecrets(site.engine(site.server().manager), Surroundings("shop", "arn:admin", secret="arn:s"), KEYS)
    secrets.keep(A, "version-1")
    assert list(site.swarm.values.values()) == [f"{A.username}:{A.password.reveal()}".encode()]
    assert "PRIVATE" not in json.dumps(site.swarm.calls)


def test_who_takes_the_name_at_the_same_moment_is_a_conflict_and_the_next_number_is_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = services.SwarmSecrets(site.engine(site.server().manager), Surroundings("shop", "arn:admin", secret="arn:s"), KEYS)
    answer = site.swarm.answer

    def first(method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        if method == "POST":
            monkeypatch.undo()
            site.swarm.add_secret("login_v1", b"theirs")
        return answer(method, path, query, body)

    monkeypatch.setattr(site.swarm, "answer", first)
    with refused(SwarmConflict, "secrets"):
        secrets.keep(A, "version-1")
    secrets.keep(A, "version-1")
    assert sorted(one["Spec"]["Name"] for one in site.swarm.secrets.values()) == ["login_v1", "login_v2"]
