"""Who may call: the bearer token of EKS, checked as EKS checks it.

The token is a presigned STS GetCallerIdentity URL. The cluster's name is not in it: it is the value of the
signed header `x-k8s-aws-id`, so only recomputing the signature tells one cluster's token from another's.
AWS lets STS do that; here we know the secret keys ourselves.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

PREFIX = "k8s-aws-v1."
LONGEST_LIFE = dt.timedelta(minutes=15)
ANYBODY = "*"
FUNCTIONS = "credential-rotation"
"""The group that k8s/rbac.yaml binds."""
MASTERS = "system:masters"
PERSON = "person"
"""The access key id of somebody with kubectl, who may do anything."""
ENTRIES = {PERSON: [MASTERS], ANYBODY: [FUNCTIONS]}

_STS = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?|127\.0\.0\.1|localhost")
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Caller:
    """Whom the API server sees: the principal of the token and the groups of its access entry."""

    name: str
    groups: tuple[str, ...]


class Tokens:
    """`secret_keys`: access key id → secret access key. `entries`: access key id → groups, as EKS's access entries have them for
    roles. `*` stands for any id."""

    def __init__(self, cluster: str, secret_keys: Mapping[str, str], entries: Mapping[str, list[str]]) -> None:
        self._cluster = cluster
        self._secret_keys = secret_keys
        self.entries = dict(entries)

    def caller(self, authorization: str) -> Caller | None:
        """None: not let in. Who signs well and has no access entry is a stranger too."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(PREFIX):
            return None
        try:
            signer = self._signer(_decode(token.removeprefix(PREFIX)))
        except (ValueError, KeyError, binascii.Error):
            return None
        groups = self.entries.get(signer or "", self.entries.get(ANYBODY))
        return Caller(signer, tuple(groups)) if signer and groups else None

    def _signer(self, url: str) -> str | None:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
        key_id, *scope = query["X-Amz-Credential"].split("/")
        secret = self._secret_keys.get(key_id, self._secret_keys.get(ANYBODY))
        if secret is None or not _is_caller_identity(parts.hostname or "", query):
            return None
        signature = query.pop("X-Amz-Signature")
        request = canonical_request(parts.path or "/", parts.netloc, query, self._cluster)
        return key_id if hmac.compare_digest(signature, sign(secret, scope, query["X-Amz-Date"], request)) else None


def _decode(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def _is_caller_identity(host: str, query: Mapping[str, str]) -> bool:
    signed_at = dt.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    age = dt.datetime.now(dt.UTC) - signed_at
    return (
        _STS.fullmatch(host) is not None
        and query["Action"] == "GetCallerIdentity"
        and query["X-Amz-Algorithm"] == _ALGORITHM
        and query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
        and int(query["X-Amz-Expires"]) <= LONGEST_LIFE.total_seconds()
        and -LONGEST_LIFE < age < LONGEST_LIFE
    )


def canonical_request(path: str, host: str, query: Mapping[str, str], cluster: str) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "\n".join(
        [
            "GET",
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            f"host:{host}",
            f"x-k8s-aws-id:{cluster}",
            "",
            "host;x-k8s-aws-id",
            hashlib.sha256(b"").hexdigest(),
        ]
    )


def sign(secret: str, scope: list[str], date: str, request: str) -> str:
    """Signature Version 4; the scope is date, region, service, `aws4_request`."""
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, date, "/".join(scope), hashed])
    return hmac.digest(key, text.encode(), "sha256").hex()
