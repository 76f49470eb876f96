"""How a function shows a Vault who it is, and for how long it may go on doing so. Each way is a request and what it takes.

approle     a role id, and a secret id from Secrets Manager
jwt         a token from Secrets Manager; the mount of Kubernetes is asked the same way
aws         the function's own role: a request to STS, signed and not sent, which Vault sends
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import SecretInvalid, VaultDenied, VaultLoginRefused, VaultRefused, VaultTokenExpired
from rotation.core.model import Password

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.vault.server import Answer, Asked

IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
SERVER_ID = "X-Vault-AWS-IAM-Server-ID"


@dataclass(frozen=True)
class Lasts:
    """How much longer it can be logged in."""

    seconds: float | None = None
    """None: no end is set."""
    uses: int | None = None
    """How many more logins; None: as many as one likes."""
    unknown: str = ""
    """Why nobody could say."""


class Way(Protocol):
    """One way to log in."""

    mount: str

    def body(self) -> dict[str, Any]:
        """What is sent."""

    def lasts(self, session: Session, now: float, /) -> Lasts:
        """Of what it takes, not of the token that it gives."""


@dataclass
class Session:
    """One login: made when it is first needed, and as old as the function's call."""

    server: Asked
    way: Way
    token: Password = field(default_factory=lambda: Password(""))
    role_name: str = ""
    """As the server calls it."""
    token_seconds: int = 0
    """For how long the token holds."""

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, version: int = 0) -> Answer:
        """What may be answered with: done, 400, 404. A refusal says whether it is the policy's or the token's."""
        fresh = self.open()
        answer = self.server.ask(method, path, body, token=self.token.reveal(), version=version)
        if answer.status == 403:
            raise self._refused(f"{self.server.name}: {method} {path}", fresh=fresh)
        return answer

    def open(self) -> bool:
        """Log in, unless that is done."""
        fresh = not self.token.reveal()
        if fresh:
            self._log_in()
        return fresh

    def _log_in(self) -> None:
        mount = self.way.mount
        answer = self.server.ask("POST", f"auth/{mount}/login", self.way.body())
        auth = answer.said.get("auth")
        if not answer.ok or not isinstance(auth, dict):
            raise VaultLoginRefused(
                f"{self.server.name} refuses the login at {mount}: are mount and role right, is the secret still valid?"
            )
        metadata = auth.get("metadata") or {}
        self.token, self.token_seconds = Password(str(auth.get("client_token", ""))), int(auth.get("lease_duration") or 0)
        self.role_name = str(metadata.get("role_name") or "")

    def _refused(self, what: str, *, fresh: bool) -> VaultDenied | VaultTokenExpired:
        """Both are a 403; a token that was just given holds, and an older one may look at itself."""
        if fresh or self.server.ask("GET", "auth/token/lookup-self", token=self.token.reveal()).ok:
            return VaultDenied(f"{what}: the policies of the role do not allow it")
        self.token = Password("")
        return VaultTokenExpired(f"{what}: the token has expired; the next try logs in again")


class AppRole:
    """A secret id may end by itself, and may be used up."""

    def __init__(self, mount: str, role: str, secret: Callable[[], Password]) -> None:
        self.mount, self._role, self._secret = mount, role, secret

    def body(self) -> dict[str, Any]:
        return {"role_id": self._role, "secret_id": self._secret().reveal()}

    def lasts(self, session: Session, now: float, /) -> Lasts:
        path = f"auth/{self.mount}/role/{session.role_name}/secret-id/lookup"
        try:
            answer = session.ask("POST", path, {"secret_id": self.body()["secret_id"]})
        except VaultDenied:
            return Lasts(unknown=f"its policies do not allow update on {path}")
        if not answer.data:
            return Lasts(unknown="the server does not say")
        left, uses = answer.data.get("secret_id_ttl"), answer.data.get("secret_id_num_uses")
        return Lasts(_until(answer.data.get("expiration_time"), now) if left else None, int(uses) if uses else None)


class Jwt:
    """Of an issuer that the server trusts, or of a service account."""

    def __init__(self, mount: str, role: str, secret: Callable[[], Password]) -> None:
        self.mount, self._role, self._secret = mount, role, secret

    def body(self) -> dict[str, Any]:
        return {"role": self._role, "jwt": self._secret().reveal()}

    def lasts(self, _: Session, now: float, /) -> Lasts:
        try:
            part = str(self.body()["jwt"]).split(".")[1]
            ends = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("exp")
        except (ValueError, IndexError, AttributeError):
            return Lasts(unknown="it is no JWT")
        return Lasts() if ends is None else Lasts(float(ends) - now)


class AwsIam:
    """Nothing is kept, so nothing ends."""

    def __init__(self, mount: str, role: str, server_id: str) -> None:
        self.mount, self._role, self._server_id = mount, role, server_id

    def body(self) -> dict[str, Any]:
        url, headers = _signed(self._server_id)
        return {
            "role": self._role,
            "iam_http_request_method": "POST",
            "iam_request_url": _base64(url),
            "iam_request_body": _base64(IDENTITY),
            "iam_request_headers": _base64(json.dumps(headers)),
        }

    def lasts(self, _: Session, __: float, /) -> Lasts:
        return Lasts()


def way(settings: Mapping[str, Any]) -> Way:
    """As the target says it."""
    method, role = settings["method"], settings["role"]
    mount = settings.get("mount") or method
    if method == "aws":
        return AwsIam(mount, role, settings.get("server_id", ""))
    if method == "jwt":
        return Jwt(mount, role, lambda: _held(settings["secret"], "jwt"))
    return AppRole(mount, role, lambda: _held(settings["secret"], "secret_id"))


def as_admin(settings: Mapping[str, Any], admin: Credential) -> Way:
    """With what the target's admin's secret holds: the role as its user name, what it logs in with as its password."""
    made = Jwt if settings["method"] == "jwt" else AppRole
    return made(settings.get("mount") or settings["method"], admin.username, lambda: admin.password)


def _held(arn: str, key: str) -> Password:
    """One key of a secret. SecretInvalid, naming it, where it is not there."""
    text = SecretsManagerStore(arn).current().text
    try:
        found = json.loads(text.reveal())[key]
    except (ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, str) or not found:
        raise SecretInvalid(f"secret {arn}: put the login for Vault into it, as JSON with the key {key}")
    return Password(found)


def _signed(server_id: str) -> tuple[str, dict[str, str]]:
    """In this region; with no text of the server's in it, whoever got hold of it could log in elsewhere."""
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise VaultRefused("there is no role of AWS to log in to Vault with")
    region = session.region_name
    url = f"https://sts.{region}.amazonaws.com/"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", url, {**headers, **({SERVER_ID: server_id} if server_id else {})}, IDENTITY)
    SigV4Auth(credentials, "sts", region).add_auth(request)
    return url, {name: str(value) for name, value in request.headers.items()}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _until(text: Any, now: float) -> float | None:
    from datetime import datetime

    try:
        return datetime.fromisoformat(str(text)).timestamp() - now
    except ValueError:
        return None
