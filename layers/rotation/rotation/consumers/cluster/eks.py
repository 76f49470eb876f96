"""A connection to an EKS cluster: endpoint and CA from DescribeCluster, a bearer token from a presigned STS call.

Endpoint and CA are kept for the life of the function, or until nobody answers there. The token is made for each call, offline in
a millisecond: none expires in a warm function.
"""

import base64
import json
from functools import cache
from typing import Any

import boto3
import urllib3
from botocore.signers import RequestSigner

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.consumers.cluster.client import ApiClient, ApiException, Configuration
from rotation.core.errors import (
    ClusterConflict,
    ClusterObjectMissing,
    ClusterRefused,
    ClusterUnavailable,
    RotationError,
)

TOKEN_SECONDS = 60
REQUEST_SECONDS = (3, 10)
_TRANSIENT = (408, 425, 429)


class Cluster:
    """The API server of one cluster."""

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, path: str) -> dict[str, Any]:
        """The object at that path."""
        return self._call("GET", path, None)

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """Merge into the object. What comes back is dropped: for a Secret it would hold the values."""
        self._call("PATCH", path, body)

    def allows(self, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
        """The cluster's own word on whether we may; every caller may ask for himself."""
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
        answer = self._call(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        return bool(answer["status"]["allowed"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        api = _connect(self._name)
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token(self._name)}"}
        if body is not None:
            headers["Content-Type"] = "application/json" if method == "POST" else "application/merge-patch+json"
        try:
            response = api.call_api(
                path, method, header_params=headers, body=body, _preload_content=False, _return_http_data_only=True,
                _request_timeout=REQUEST_SECONDS,
            )  # fmt: skip
        except ApiException as error:
            raise _error(error, f"{method} {path} on {self._name}") from None
        except urllib3.exceptions.HTTPError as error:
            _connect.cache_clear()  # its endpoint or its authority may be others by now: the next call asks again
            raise ClusterUnavailable(f"{self._name} could not be reached ({type(error).__name__})") from None
        answer: dict[str, Any] = json.loads(response.data)
        return answer


@cache
def _connect(cluster: str) -> ApiClient:
    """Kept for the life of the function."""
    try:
        described = client("eks").describe_cluster(name=cluster)["cluster"]
    except AWS_ERRORS as error:
        if code(error) in ("ResourceNotFoundException", "AccessDeniedException"):
            raise ClusterObjectMissing(f"EKS cluster {cluster} is not there for us ({code(error)})") from None
        raise ClusterUnavailable(f"EKS cluster {cluster} could not be described ({code(error)})") from None
    api = ApiClient(Configuration(host=described["endpoint"]))
    api.rest_client.pool_manager = urllib3.PoolManager(
        cert_reqs="CERT_REQUIRED",
        ca_cert_data=base64.b64decode(described["certificateAuthority"]["data"]).decode(),
        retries=False,
    )
    return api


@cache
def _signer() -> RequestSigner:
    """Kept for the life of the function, as its clients and their credentials are: a session costs more than many signatures."""
    session: Any = boto3.Session()
    sts = client("sts").meta
    return RequestSigner(sts.service_model.service_id, sts.region_name, "sts", "v4", session.get_credentials(), session.events)


def token(cluster: str) -> str:
    """`k8s-aws-v1.` and a presigned GetCallerIdentity that names the cluster in a signed header. Made offline."""
    sts = client("sts")
    url = _signer().generate_presigned_url(
        {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name=sts.meta.region_name,
        expires_in=TOKEN_SECONDS,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _error(error: ApiException, what: str) -> RotationError:
    """By status; the body is left behind, since it may quote what was sent.

    401 may pass: EKS asks STS about every token, which may be throttled, and clocks drift. The next try shows a new one.
    """
    status = int(error.status or 0)
    if status == 409:
        return ClusterConflict(f"{what}: somebody else changed it at the same moment")
    if status == 404:
        return ClusterObjectMissing(f"{what}: there is no such object")
    if status == 401:
        return ClusterUnavailable(f"{what}: HTTP 401, our token was not taken; has the role an access entry?")
    if status in _TRANSIENT or status >= 500 or status == 0:
        return ClusterUnavailable(f"{what}: HTTP {status or 'connection failed'}")
    return ClusterRefused(f"{what}: HTTP {status}; is k8s/rbac.yaml applied, with these names?")
