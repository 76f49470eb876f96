"""What people do to a world that is rotated: to the secrets, the cluster, the database, a target document. Each by its own
interface, as they would."""

from __future__ import annotations

import base64
import copy
import json
import secrets
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.signers import RequestSigner

from local.cluster.application import DEPLOYMENT, NAMESPACE, SECRET
from local.faults import Fault
from local.follow import ALL, Run, follow
from local.mysql import Login
from local.running import Running
from local.stack import ADMIN_SECRET, CLUSTER, NAME, SECRET_KEY, SLOT_SECRET, LocalStack
from tests.e2e.rotations import Rotations, Turns
from tests.until import until

Object = dict[str, Any]

SECRET_PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}"
DEPLOYMENT_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}"
PLACEHOLDER = "PLACEHOLDER_SEEDED_BY_DEPLOY_SCRIPT"
"""What openemr-on-eks' Terraform writes as the password of both slots, before there are such users."""


def made_up() -> str:
    """A password that nobody has, and that is found again wherever it leaks."""
    return secrets.token_urlsafe(24)


# The secrets


def put(stack: LocalStack, secret: str, value: Object) -> None:
    """As `aws secretsmanager put-secret-value`: it becomes current at once."""
    stack.aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps(value))


def put_slots(rotations: Rotations, change: Callable[[Object], object]) -> Object:
    """The slot secret with one thing changed, and without our tag, as a person would write it."""
    value = {key: copy.deepcopy(what) for key, what in rotations.slots.items() if key != "rotation"}
    change(value)
    put(rotations.stack, SLOT_SECRET, value)
    return value


def put_admin(rotations: Rotations, password: str) -> None:
    value = {key: what for key, what in rotations.stack.secret(ADMIN_SECRET).items() if key != "rotation"}
    put(rotations.stack, ADMIN_SECRET, value | {"password": password})


@dataclass(frozen=True)
class SecretState:
    """All versions with their labels, those without any included, and when anything changed last."""

    versions: dict[str, list[str]]
    changed: Any


def state_of(stack: LocalStack, secret: str) -> SecretState:
    client = stack.aws.client("secretsmanager")
    versions: dict[str, list[str]] = {}
    more: dict[str, str] = {}
    while True:
        listed = client.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True, **more)
        versions |= {version["VersionId"]: sorted(version["VersionStages"]) for version in listed["Versions"]}
        if "NextToken" not in listed:
            return SecretState(versions, client.describe_secret(SecretId=secret).get("LastChangedDate"))
        more = {"NextToken": listed["NextToken"]}


# The cluster


class Kubernetes:
    """The API server, called by a person with kubectl."""

    def __init__(self, stack: LocalStack) -> None:
        self._api = stack.app.cluster.api
        self._tls = ssl.create_default_context(cadata=stack.app.cluster.ca)
        self._session = boto3.Session("person", SECRET_KEY, region_name=stack.aws.region)

    def get(self, path: str) -> Object:
        return self._call("GET", path)

    def patch(self, path: str, change: Object) -> Object:
        """A merge patch."""
        return self._call("PATCH", path, change)

    def set_secret(self, login: Login) -> None:
        values = {"mysql-user": login.username, "mysql-password": login.password}
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.patch(SECRET_PATH, {"data": encoded})

    def pause(self, paused: bool) -> None:
        """Returns when the controller has seen it, and writes no status for it any more."""
        self.patch(DEPLOYMENT_PATH, {"spec": {"paused": paused}})
        until(self._is_observed)

    def _is_observed(self) -> bool:
        found = self.get(DEPLOYMENT_PATH)
        return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])

    def versions(self) -> dict[str, str]:
        """resourceVersion of both objects."""
        return {path: self.get(path)["metadata"]["resourceVersion"] for path in (SECRET_PATH, DEPLOYMENT_PATH)}

    def _call(self, method: str, path: str, change: Object | None = None) -> Object:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/merge-patch+json"}
        body = None if change is None else json.dumps(change).encode()
        request = urllib.request.Request(self._api + path, body, headers, method=method)  # noqa: S310 - https, of our own cluster
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._tls))
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            found: Object = json.load(answer)
        return found

    def _token(self) -> str:
        session: Any = self._session
        service = session.client("sts").meta.service_model.service_id
        signer = RequestSigner(service, session.region_name, "sts", "v4", session.get_credentials(), session.events)
        question = {
            "method": "GET",
            "url": f"https://sts.{session.region_name}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": CLUSTER},
            "context": {},
        }
        url = signer.generate_presigned_url(question, region_name=session.region_name, expires_in=60, operation_name="")
        return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


# The database


def sql(stack: LocalStack, statement: str, *values: object) -> None:
    """As root."""
    with stack.app.mysql.connect() as session, session.cursor() as cursor:
        cursor.execute(statement, values or None)


def set_password(stack: LocalStack, login: Login) -> None:
    """Somebody changes a user's password behind everybody's back; the old one is refused at once."""
    stack.app.mysql.set_password(login)


# The application's traffic


def move_traffic(rotations: Rotations, login: Login) -> None:
    """sqlconf.php by hand; returns once every request comes from that user (PHP keeps the old file for up to two seconds)."""
    rotations.install(login)

    def moved() -> bool:
        served = rotations.requests_since(time.time() - 1).by_user()
        return set(served) == {login.username}

    until(moved)


# Target documents


def document(stack: Running) -> Object:
    """Of the target that the template deployed."""
    found = stack.aws.client("ssm").get_parameter(Name=f"/{NAME}/targets/{stack.target}")["Parameter"]["Value"]
    parsed: Object = json.loads(found)
    return parsed


def put_target(stack: Running, name: str, value: Object | str) -> str:
    """The name under which a rotation of it is started."""
    text = value if isinstance(value, str) else json.dumps(value)
    stack.aws.client("ssm").put_parameter(Name=f"/{NAME}/targets/{name}", Value=text, Type="String", Overwrite=True)
    return name


def remove_target(stack: Running, name: str) -> None:
    """Also if there is none."""
    stack.aws.client("ssm").delete_parameters(Names=[f"/{NAME}/targets/{name}"])


def output_of(stack: LocalStack, run: Run) -> Object:
    """What DescribeExecution says that a run returned."""
    found: Object = json.loads(stack.aws.client("stepfunctions").describe_execution(executionArn=run.arn)["output"])
    return found


# Executions


def failures_of(rotations: Turns, arn: str) -> list[str]:
    """The errors of Tasks so far, those that were tried again included."""
    states = rotations.stack.aws.client("stepfunctions")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn, PaginationConfig={"PageSize": ALL})
    events = [event for page in pages for event in page["events"]]
    return [event["taskFailedEventDetails"]["error"] for event in events if "taskFailedEventDetails" in event]


def stop_before(rotations: Rotations, state: str) -> Run:
    """StopExecution at the one moment that is meant: that state's function is held off until then."""
    held_off = "SecretStoreUnavailable"
    error = {"errorType": held_off, "errorMessage": "held off by a test"}
    rotations.stack.aws.fail(Fault(rotations.stack.function(state), times=1000, error=error))
    arn = rotations.start()
    run = Run(arn)
    for run, _ in follow(rotations.stack, arn):
        if run.visits and run.visits[-1].state == state and held_off in failures_of(rotations, arn):
            rotations.stack.aws.client("stepfunctions").stop_execution(executionArn=arn)
    rotations.stack.aws.clear_faults()
    assert rotations.pending(), "it was in the middle"
    return run
