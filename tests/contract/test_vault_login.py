"""How a Vault is logged in to, and what it answers when it cannot be asked: each by its own name, with none of its words."""

import base64
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from rotation.consumers.vault_kv.adapter import make
from rotation.core.errors import (
    RotationError,
    SecretInvalid,
    VaultLoginRefused,
    VaultRefused,
    VaultSealed,
    VaultStandby,
    VaultThrottled,
    VaultUnavailable,
    VaultUntrusted,
)
from rotation.core.findings import Finding, Severity
from rotation.ports import Surroundings
from rotation.vault.kv import METRIC
from rotation.vault.login import SERVER_ID, AwsIam, Session, way
from rotation.vault.server import MOST_BYTES, Server

from local.aws import LocalAws
from local.certificates import Authority
from local.leftovers import Leftovers
from local.ports import free_port
from local.vault import policies
from local.vault.policies import MOUNT, READS, WRITES
from local.vault.server import OpenBao
from tests.conformance.consumers import BACK, CANARY, FORTH, A, B, refused
from tests.worlds.vault import Given

HOUR, DAY = 3600, 86_400
SAID = {"errors": [f"{CANARY} of the server"]}


class Answering:
    """A server over TLS that answers whatever a test says, and keeps what it was asked."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("Vault")
        self.ca_pem = authority.pem
        self.status, self.body, self.headers = 200, b"{}", {"Content-Type": "application/json"}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        here = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                here.asked.append((self.command, self.path, dict(self.headers)))
                self.send_response(here.status)
                for name, value in here.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(here.body)

            do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - as http.server names them

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = authority.issue(folder, "vault").context().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def client(self, tls: str = "1.3", namespace: str = "", ca: str = "") -> Server:
        return Server(f"https://127.0.0.1:{self._server.server_port}", ca or self.ca_pem, tls, namespace)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    server = Answering(tmp_path)
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {"errors": ["Vault is sealed"]}, VaultSealed),
        (503, {"errors": ["local node not active but active cluster node not found"]}, VaultStandby),
        (503, SAID, VaultUnavailable),
        (307, SAID, VaultStandby),
        (429, SAID, VaultThrottled),
        (500, SAID, VaultUnavailable),
        (412, SAID, VaultUnavailable),
        (405, SAID, VaultRefused),
        (200, f"<html>{CANARY}</html>", VaultRefused),
        (502, f"<html>{CANARY}</html>", VaultUnavailable),
        (200, CANARY * MOST_BYTES, VaultRefused),
    ],
    ids=["sealed", "standby", "busy", "redirect", "too many", "broken", "behind", "refused", "a page", "a proxy's page", "huge"],
)
def test_what_it_answers_is_named(answering: Answering, status: int, body: Any, error: type[RotationError]) -> None:
    answering.status = status
    answering.body = (body if isinstance(body, str) else json.dumps(body)).encode()
    answering.headers |= {"Location": "https://elsewhere.example/"} if status == 307 else {}
    with refused(error, "https://127.0.0.1:"):
        answering.client().ask("GET", "secret/data/shop")
    assert len(answering.asked) == 1, "no redirect is followed, and nothing tried again"


def test_the_namespace_and_the_token_go_with_every_request(answering: Answering) -> None:
    answering.client(namespace="team/shop").ask("GET", "secret/data/a b", token="a-token", version=3)
    (method, path, headers) = answering.asked[0]
    assert (method, path) == ("GET", "/v1/secret/data/a%20b?version=3")
    assert (headers["X-Vault-Namespace"], headers["X-Vault-Token"]) == ("team/shop", "a-token")


def test_whom_the_targets_authority_does_not_vouch_for_is_told_nothing(answering: Answering) -> None:
    with refused(VaultUntrusted, "not what ca vouches for"):
        answering.client(ca=Authority("another").pem).ask("GET", "secret/data/shop", token=CANARY)
    with refused(VaultUntrusted, "no certificate in PEM"):
        answering.client(ca="-----BEGIN CERTIFICATE-----").ask("GET", "secret/data/shop", token=CANARY)
    assert answering.asked == []


def test_where_nobody_listens_is_said() -> None:
    port = free_port()
    with refused(VaultUnavailable, str(port), "ConnectionRefusedError"):
        Server(f"https://127.0.0.1:{port}", Authority("any").pem, "1.3", "").ask("GET", "sys/health")


# On a real one


@pytest.fixture(scope="module")
def vault() -> Iterator[OpenBao]:
    with Leftovers() as run, OpenBao(run.directory / "vault", run.environment) as vault:
        policies.mount(vault)
        policies.write(vault, "shop", {"username": A.username, "password": A.password.reveal()})
        yield vault


def server(vault: OpenBao) -> Server:
    return Server(vault.address, vault.ca_pem, "1.3", "")


def secret(aws: LocalAws, content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return str(aws.client("secretsmanager").create_secret(Name=f"vault-{uuid.uuid4()}", SecretString=text)["ARN"])


def settings(vault: OpenBao, login: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As a target has them, defaults filled in."""
    where = {"address": vault.address, "ca": vault.ca_pem, "tls": "1.3", "namespace": "", "mount": MOUNT, "path": "shop"}
    return {**where, "login": login, "destroys_older": True, **more}


def test_a_sealed_one_is_said_to_be_and_goes_on_when_it_is_not(vault: OpenBao) -> None:
    role = policies.role(vault, "sealed", "shop", READS)
    session = Session(server(vault), Given(body={"role_id": role.role_id, "secret_id": role.secret_id}))
    vault.seal()
    with refused(VaultSealed, vault.address):
        session.ask("GET", f"{MOUNT}/data/shop")
    vault.unseal()
    assert session.ask("GET", f"{MOUNT}/data/shop").ok


def test_a_login_that_it_refuses_is_said_with_its_mount_which_may_not_be_there(vault: OpenBao) -> None:
    with refused(VaultLoginRefused, "at approle"):
        Session(server(vault), Given(body={"role_id": CANARY, "secret_id": CANARY})).ask("GET", f"{MOUNT}/data/shop")
    with refused(VaultLoginRefused, "at elsewhere"):
        Session(server(vault), Given(mount="elsewhere", body={})).ask("GET", f"{MOUNT}/data/shop")


class TestWithWhatASecretHolds:
    @pytest.fixture(autouse=True)
    def _environment(self, aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
        adapters_use(aws)

    def test_an_approle_s_secret_id(self, vault: OpenBao, aws: LocalAws) -> None:
        writer, reader = (policies.role(vault, name, "shop", policy) for name, policy in (("w", WRITES), ("r", READS)))
        login = {"method": "approle", "role": writer.role_id, "secret": secret(aws, {"secret_id": writer.secret_id})}
        read = {"method": "approle", "role": reader.role_id, "secret": secret(aws, {"secret_id": reader.secret_id})}
        consumer = make(settings(vault, login, reader=read), Surroundings("shop", "arn:admin"))
        assert consumer.publish(B, FORTH)
        assert consumer.read().same_login(B)
        assert consumer.publish(A, BACK)
        found = list(make(settings(vault, login, reader=read), Surroundings("", "")).look(time.time()))
        assert {one.severity for one in found} == {Severity.OK}
        assert [days(one) for one in found if one.measured] == [30, 30]

    def test_one_that_is_short_used_up_or_not_looked_at(self, vault: OpenBao, aws: LocalAws) -> None:
        policy = WRITES.partition('path "auth/')[0]
        role = policies.role(vault, "short", "shop", policy, token_ttl="30s", secret_id_num_uses=40)
        login = {"method": "approle", "role": role.role_id, "secret": secret(aws, {"secret_id": role.secret_id})}
        said = {one.severity: one.found for one in make(settings(vault, login), Surroundings("", "")).look(time.time())}
        assert said[Severity.WARNING] == "its token at approle lasts 30 s"
        assert "do not allow update on auth/approle/role/short/secret-id/lookup" in said[Severity.SKIPPED]
        role = policies.role(vault, "used", "shop", WRITES, secret_id_num_uses=40, secret_id_ttl="0")
        login = {"method": "approle", "role": role.role_id, "secret": secret(aws, {"secret_id": role.secret_id})}
        found = list(make(settings(vault, login), Surroundings("", "")).look(time.time()))
        assert [one.found for one in found if one.severity is Severity.WARNING] == ["at approle it can log in 39 more times"]
        assert [one.found for one in found[-1:]] == ["at approle it does not end by itself"]

    @pytest.mark.parametrize("content", ["canary", "[]", {"secret_id": ""}, {"other": CANARY}])
    def test_a_secret_without_it_is_named(self, vault: OpenBao, aws: LocalAws, content: Any) -> None:
        arn = secret(aws, content)
        with refused(SecretInvalid, arn, "the key secret_id"):
            Session(server(vault), way({"method": "approle", "role": "r", "secret": arn})).ask("GET", "x")

    def test_a_jwt(self, vault: OpenBao, aws: LocalAws) -> None:
        """Of an issuer that it trusts; a role that Kubernetes' tokens are for is asked the same way, at another mount."""
        key = ec.generate_private_key(ec.SECP256R1())
        mount = f"jwt-{uuid.uuid4().hex[:6]}"
        vault.asks("POST", f"sys/auth/{mount}", {"type": "jwt"})
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        vault.asks("POST", f"auth/{mount}/config", {"jwt_validation_pubkeys": [pem]})
        policies.role(vault, "by-jwt", "shop", READS)
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["shop"], "token_policies": "by-jwt"}
        vault.asks("POST", f"auth/{mount}/role/shop", role)
        token = signed(key, {"sub": "rotation", "aud": "shop", "iat": int(time.time()), "exp": int(time.time()) + HOUR})
        chosen = way({"method": "jwt", "mount": mount, "role": "shop", "secret": secret(aws, {"jwt": token})})
        session = Session(server(vault), chosen)
        assert session.ask("GET", f"{MOUNT}/data/shop").ok
        left = chosen.lasts(session, time.time()).seconds
        assert left is not None
        assert HOUR - 60 < left <= HOUR

    def test_the_function_s_own_role_as_a_request_that_sts_takes(self, aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
        """What Vault would send on: signed for STS, with the server's id among what is signed."""
        monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
        body = AwsIam("aws", "rotation", "vault.example").body()
        assert (body["role"], body["iam_http_request_method"]) == ("rotation", "POST")
        url, text = (base64.b64decode(body[f"iam_request_{part}"]).decode() for part in ("url", "body"))
        headers = json.loads(base64.b64decode(body["iam_request_headers"]))
        assert url == f"https://sts.{aws.region}.amazonaws.com/"
        assert headers[SERVER_ID] == "vault.example"
        assert SERVER_ID.lower() in headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert headers["X-Amz-Security-Token"] == "a-session"
        place = urlsplit(aws.endpoint)
        sts = http.client.HTTPConnection(str(place.hostname), place.port, timeout=5)
        sts.request("POST", "/", text, headers)
        assert b"<Arn>" in sts.getresponse().read()
        sts.close()


def days(finding: Finding) -> int:
    (metric, seconds) = finding.measured[0]
    assert metric == METRIC
    return round(seconds / DAY)


def signed(key: ec.EllipticCurvePrivateKey, claims: dict[str, Any]) -> str:
    """ES256."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    said = f"{part(json.dumps({'alg': 'ES256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{said}.{part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
