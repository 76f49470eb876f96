"""The kind `redis`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid
from rotation.kinds.kind import Advice, SourceKind, has_a_place
from rotation.sources.fields import CA, POOLED

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.kinds.kind import Settings

EVERYBODY = "default"
"""The user of everybody who names none; no password of it can be taken from anybody."""
NODES: dict[str, Any] = {
    "description": "The other nodes, as host or host:port: every replica. Redis replicates no users, so each is given the password",
    "type": "array",
    "items": {"type": "string", "pattern": r"^[A-Za-z0-9._-]+(:\d{1,5})?$"},
    "uniqueItems": True,
    "default": [],
}


def fits(settings: Settings, login: Credential) -> None:
    """Of a user that takes turns, or whose passwords do."""
    has_a_place(settings, login)
    if login.username == EVERYBODY:
        raise SecretInvalid(
            f"username is {EVERYBODY}, the user of whoever gives no name: make the application a user of its own (ACL SETUSER)"
        )
    if not login.dbname.isdecimal():
        raise SecretInvalid("field dbname is not the number of a Redis database: write 0 if the application says none")


KIND = SourceKind(
    properties={
        "ca": {**CA, "description": "A CA certificate as PEM text: who signed the nodes' certificates", "pattern": "^-----BEGIN"},
        "nodes": NODES,
        "pooled": POOLED,
    },
    required=("ca",),
    engines={"redis": True, "valkey": True},
    port=6379,
    advice=Advice(
        lacking="docs/redis.md has the command that makes an admin, and says what a node needs to save its users",
        without_tls="set port to 0 in the node's configuration, once every client of it uses the TLS port",
        ends_sessions="ACL SETUSER the admin +client|kill",
        counts_logins="Redis has no such count: a longer drain.quiet_seconds sees more",
    ),
    fits=fits,
)
