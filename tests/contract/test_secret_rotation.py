"""What AWS promises to a function by which Secrets Manager rotates a secret itself, and what it asks of it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import LocalAws
from local.lambdas import runtime_python
from local.sandbox import Function
from tests.until import until

NAME = "rotates"
ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"
FOUR = ["createSecret", "setSecret", "testSecret", "finishSecret"]
CODE = """
import json, os, time
import boto3

CALLS = os.environ["CALLS"]
client = boto3.client("secretsmanager")

def lambda_handler(event, context):
    with open(CALLS, "a") as calls:
        calls.write(json.dumps(event) + "\\n")
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = client.describe_secret(SecretId=secret)
    orders = json.loads(described.get("Description") or "{}").get(step, [])
    calls = [json.loads(line) for line in open(CALLS)]
    number = len([one for one in calls if (one["SecretId"], one["Step"]) == (secret, step)]) - 1
    order = orders[number] if number < len(orders) else ""
    if order == "fail":
        raise RuntimeError("as ordered")
    if order == "dawdle":
        time.sleep(1)
    if order == "nothing":
        return
    if order == "put another":
        client.put_secret_value(SecretId=secret, SecretString="by somebody", VersionStages=["MINE"])
    if step == "createSecret":
        client.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"],
            RotationToken=event["RotationToken"],
        )
    if step == "finishSecret":
        stages = described["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
"""
"""As AWS's own samples do it, unless the secret's description orders something else of a step."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rotation") / "calls"
    path.touch()
    return path


@pytest.fixture(scope="module")
def aws(calls: Path) -> Iterator[LocalAws]:
    folder = calls.parent
    (folder / "app.py").write_text(CODE)
    with LocalAws(runtime_python(), folder / "logs") as aws:
        function = Function(NAME, ARN, "app.lambda_handler", str(folder), [], 20, 256, {"CALLS": str(calls)})
        aws.deploy_function(function)
        aws.pace_rotations(tries=2, seconds=0.1)
        yield aws


class Secret:
    """One that the function rotates."""

    def __init__(self, aws: LocalAws, calls: Path, **orders: list[str]) -> None:
        self.aws, self._calls = aws, calls
        self.client = aws.client("secretsmanager")
        self.first = str(uuid.uuid4())
        name = f"rotation-test-{uuid.uuid4()}"
        made = self.client.create_secret(
            Name=name, SecretString="first", ClientRequestToken=self.first, Description=json.dumps(orders)
        )
        self.id = made["ARN"]

    def rotate(self, **more: Any) -> str:
        answer = self.client.rotate_secret(**{"SecretId": self.id, "RotationLambdaARN": ARN, **more})
        return str(answer["VersionId"])

    @property
    def labels(self) -> dict[str, str]:
        stages = self.client.describe_secret(SecretId=self.id)["VersionIdsToStages"]
        return {label: version for version, some in stages.items() for label in some}

    def events(self) -> list[dict[str, Any]]:
        """With which the function was called for it."""
        called = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [one for one in called if one["SecretId"] == self.id]

    @property
    def steps(self) -> list[str]:
        return [one["Step"] for one in self.events()]

    @property
    def said(self) -> list[str]:
        return [one["eventName"] for one in self.aws.rotation_events(self.id)]

    def until(self, *said: str) -> None:
        """Secrets Manager has said that, and no more."""
        until(lambda: self.said == list(said), seen=lambda: self.said)


Make = Callable[..., Secret]


@pytest.fixture
def make(aws: LocalAws, calls: Path) -> Make:
    return lambda **orders: Secret(aws, calls, **orders)


def refused(code: str, call: Callable[[], object], says: str | None = None) -> None:
    with pytest.raises(ClientError, match=says) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code


def test_the_caller_waits_for_nothing_and_awspending_is_on_a_version_that_holds_nothing_yet(make: Make) -> None:
    secret = make(createSecret=["dawdle"])
    token = secret.rotate()
    assert secret.labels == {"AWSCURRENT": secret.first, "AWSPENDING": token}
    listed = secret.client.list_secret_version_ids(SecretId=secret.id, IncludeDeprecated=True)["Versions"]
    assert [one["VersionId"] for one in listed] == [secret.first]
    for which in ({"VersionId": token}, {"VersionStage": "AWSPENDING"}):
        refused("ResourceNotFoundException", lambda w=which: secret.client.get_secret_value(SecretId=secret.id, **w))  # type: ignore[misc]
    secret.until("RotationStarted", "RotationSucceeded")


def test_the_function_is_called_once_for_each_step_in_their_order(make: Make) -> None:
    secret = make()
    token = secret.rotate(ClientRequestToken="0" * 32)
    secret.until("RotationStarted", "RotationSucceeded")
    assert token == "0" * 32
    assert secret.steps == FOUR
    for event in secret.events():
        assert set(event) == {"Step", "SecretId", "ClientRequestToken", "RotationToken"}
        assert (event["SecretId"], event["ClientRequestToken"]) == (secret.id, token)


def test_after_it_the_token_is_current_and_awspending_is_gone(make: Make) -> None:
    secret = make()
    token = secret.rotate()
    secret.until("RotationStarted", "RotationSucceeded")
    assert secret.labels == {"AWSCURRENT": token, "AWSPREVIOUS": secret.first}
    assert secret.client.get_secret_value(SecretId=secret.id)["SecretString"] == "new"
    described = secret.client.describe_secret(SecretId=secret.id)
    assert described["RotationEnabled"]
    assert described["LastRotatedDate"]


def test_a_step_that_fails_has_all_of_them_repeated_with_the_same_token(make: Make) -> None:
    secret = make(setSecret=["fail"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationSucceeded")
    assert secret.steps == ["createSecret", "setSecret", *FOUR]
    assert {one["ClientRequestToken"] for one in secret.events()} == {token}
    failed = secret.aws.rotation_events(secret.id)[1]["errorMessage"]
    assert failed == f"Error when executing lambda {ARN} during setSecret step"


def test_a_rotation_that_is_given_up_keeps_awspending(make: Make) -> None:
    secret = make(createSecret=["fail", "fail"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed")
    assert secret.labels == {"AWSCURRENT": secret.first, "AWSPENDING": token}


def test_a_last_step_that_moves_no_label_is_no_success(make: Make) -> None:
    secret = make(finishSecret=["nothing", "nothing"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed")
    assert secret.labels["AWSPENDING"] == token
    assert secret.client.get_secret_value(SecretId=secret.id)["SecretString"] == "first"


def test_no_other_begins_before_a_rotation_is_complete_and_that_one_is_tried_again(make: Make) -> None:
    secret = make(createSecret=["fail", "fail"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed")
    refused("InvalidRequestException", secret.rotate, "A previous rotation isn't complete. That rotation will be reattempted.")
    secret.until("RotationStarted", "RotationFailed", "RotationFailed", "RotationStarted", "RotationSucceeded")
    assert secret.labels == {"AWSCURRENT": token, "AWSPREVIOUS": secret.first}


def test_no_schedule_is_attached_either_as_long_as_a_rotation_is_not_complete(make: Make) -> None:
    secret = make(createSecret=["fail", "fail", "fail", "fail"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed")
    refused("InvalidRequestException", lambda: secret.rotate(RotateImmediately=False))
    assert secret.labels["AWSPENDING"] == token


def test_whoever_takes_awspending_off_lets_the_next_begin(make: Make) -> None:
    secret = make(createSecret=["fail", "fail"])
    token = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed")
    secret.client.update_secret_version_stage(SecretId=secret.id, VersionStage="AWSPENDING", RemoveFromVersionId=token)
    other = secret.rotate()
    secret.until("RotationStarted", "RotationFailed", "RotationFailed", "RotationStarted", "RotationSucceeded")
    assert secret.labels == {"AWSCURRENT": other, "AWSPREVIOUS": secret.first}


def test_the_button_names_no_function_and_the_one_that_is_configured_is_called(make: Make) -> None:
    secret = make()
    secret.rotate()
    secret.until("RotationStarted", "RotationSucceeded")
    token = str(secret.client.rotate_secret(SecretId=secret.id)["VersionId"])
    secret.until(*["RotationStarted", "RotationSucceeded"] * 2)
    assert secret.labels["AWSCURRENT"] == token


def test_a_secret_without_a_function_is_refused(make: Make) -> None:
    secret = make()
    refused("InvalidRequestException", lambda: secret.client.rotate_secret(SecretId=secret.id))


def test_to_attach_a_schedule_calls_the_test_alone_with_a_version_that_is_gone_afterwards(make: Make) -> None:
    secret = make(testSecret=["dawdle"])
    token = secret.rotate(RotateImmediately=False, RotationRules={"AutomaticallyAfterDays": 30})
    assert secret.labels == {"AWSCURRENT": secret.first, "AWSPENDING": token}
    secret.until("TestRotationStarted", "TestRotationSucceeded")
    assert secret.steps == ["testSecret"]
    assert secret.labels == {"AWSCURRENT": secret.first}


def test_a_test_that_fails_is_said_and_leaves_nothing(make: Make) -> None:
    secret = make(testSecret=["fail"])
    secret.rotate(RotateImmediately=False)
    secret.until("TestRotationStarted", "TestRotationFailed")
    assert secret.labels == {"AWSCURRENT": secret.first}


def test_whoever_puts_another_version_meanwhile_has_the_rotation_abandoned(make: Make) -> None:
    secret = make(setSecret=["put another"])
    secret.rotate()
    secret.until("RotationStarted", "RotationAbandoned")
    time.sleep(0.2)
    assert secret.steps == ["createSecret", "setSecret"]
    assert set(secret.labels) == {"AWSCURRENT", "MINE"}


def test_the_same_token_again_is_the_same_rotation(make: Make) -> None:
    secret = make(createSecret=["dawdle"])
    token = secret.rotate()
    assert secret.rotate(ClientRequestToken=token) == token
    secret.until("RotationStarted", "RotationSucceeded")
    assert secret.steps == FOUR
