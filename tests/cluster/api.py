"""A Kubernetes API as a client sees it, by the tokens that EKS takes: a function's, or a person's with kubectl."""

from __future__ import annotations

import base64
import datetime as dt
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

from local.cluster import tokens

SECRET = "/api/v1/namespaces/openemr/secrets/openemr-db-credentials"
DEPLOYMENT = "/apis/apps/v1/namespaces/openemr/deployments/openemr"
MERGE = "application/merge-patch+json"
EKS = "openemr-eks"
SECRET_KEY = "local"

Object = dict[str, Any]


def token(cluster: str = EKS, secret_key: str = SECRET_KEY, action: str = "GetCallerIdentity", caller: str = "AKIDFUNCTION") -> str:
    emitter = Session().get_component("event_emitter")
    credentials = Credentials(caller, secret_key, "session+/=")
    signer = RequestSigner(ServiceId("STS"), "eu-west-1", "sts", "v4", credentials, emitter)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://sts.eu-west-1.amazonaws.com/?Action={action}&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name="eu-west-1",
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def signed(at: dt.datetime, caller: str = "AKIDFUNCTION") -> str:
    """A token of another time than now."""
    date, scope = at.strftime("%Y%m%dT%H%M%SZ"), [at.strftime("%Y%m%d"), "eu-west-1", "sts", "aws4_request"]
    query = {
        "Action": "GetCallerIdentity",
        "Version": "2011-06-15",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "/".join([caller, *scope]),
        "X-Amz-Date": date,
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
    }
    host = "sts.eu-west-1.amazonaws.com"
    signature = tokens.sign(SECRET_KEY, scope, date, tokens.canonical_request("/", host, query, EKS))
    url = f"https://{host}/?{urlencode({**query, 'X-Amz-Signature': signature})}"
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Api:
    """As the functions; `by` is another access key id."""

    url: str
    ca: str
    by: str = "AKIDFUNCTION"

    def send(self, method: str, path: str, body: Any = None, kind: str = MERGE, bearer: str | None = None) -> tuple[int, Object]:
        headers = {"Authorization": f"Bearer {token(caller=self.by) if bearer is None else bearer}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own
        try:
            tls = ssl.create_default_context(cadata=self.ca)
            with urllib.request.urlopen(request, context=tls, timeout=10) as answer:  # noqa: S310 - our own
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def get(self, path: str) -> Object:
        status, found = self.send("GET", path)
        assert status == 200, found
        return found

    def patch(self, path: str, body: Object, kind: str = MERGE) -> Object:
        status, patched = self.send("PATCH", path, body, kind)
        assert status == 200, patched
        return patched
