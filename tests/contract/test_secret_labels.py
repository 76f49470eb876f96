"""What AWS's API text promises about versions and labels. SECRETS_ENDPOINT_URL runs the same tests against AWS itself."""

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import LocalAws

RACERS = 8


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    # Unchecked, so that what the service refuses is not refused by the client already.
    unchecked = Config(parameter_validation=False)
    if endpoint := os.environ.get("SECRETS_ENDPOINT_URL"):
        yield boto3.client("secretsmanager", endpoint_url=endpoint, config=unchecked)
        return
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws.client("secretsmanager", config=unchecked)


class Secret:
    """A secret with its id filled in."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.first = str(uuid.uuid4())
        self.id = f"label-test-{uuid.uuid4()}"
        client.create_secret(Name=self.id, SecretString="first", ClientRequestToken=self.first)

    def put(self, value: str, *labels: str, token: str | None = None) -> str:
        token = token or str(uuid.uuid4())
        stages = {"VersionStages": list(labels)} if labels else {}
        version: str = self.client.put_secret_value(SecretId=self.id, SecretString=value, ClientRequestToken=token, **stages)[
            "VersionId"
        ]
        return version

    def move(self, label: str, *, to: str | None = None, off: str | None = None) -> None:
        versions = {"MoveToVersionId": to, "RemoveFromVersionId": off}
        given = {key: version for key, version in versions.items() if version}
        self.client.update_secret_version_stage(SecretId=self.id, VersionStage=label, **given)

    def read(self, **which: str) -> str:
        value: str = self.client.get_secret_value(SecretId=self.id, **which)["SecretString"]
        return value

    def holders(self) -> dict[str, str]:
        """Label to version; fails where a label is on two."""
        stages = self.client.describe_secret(SecretId=self.id)["VersionIdsToStages"]
        pairs = [(label, version) for version, labels in stages.items() for label in labels]
        assert len(dict(pairs)) == len(pairs), f"a label on two versions: {stages}"
        return dict(pairs)


@pytest.fixture
def secret(client: Any) -> Iterator[Secret]:
    made = Secret(client)
    yield made
    client.delete_secret(SecretId=made.id, ForceDeleteWithoutRecovery=True)


def refused(code: str, call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code
    message: str = caught.value.response["Error"]["Message"]
    return message


def test_a_put_without_labels_moves_awscurrent_and_awsprevious_follows(secret: Secret) -> None:
    second = secret.put("second")
    assert secret.holders() == {"AWSCURRENT": second, "AWSPREVIOUS": secret.first}
    third = secret.put("third")
    assert secret.holders() == {"AWSCURRENT": third, "AWSPREVIOUS": second}


def test_a_put_with_a_label_leaves_awscurrent_alone(secret: Secret) -> None:
    pending = secret.put("second", "AWSPENDING")
    assert secret.holders() == {"AWSCURRENT": secret.first, "AWSPENDING": pending}
    assert secret.read() == "first"


def test_a_put_takes_its_labels_from_the_version_that_has_them(secret: Secret) -> None:
    secret.put("second", "AWSPENDING", "MINE")
    third = secret.put("third", "AWSPENDING")
    assert secret.holders()["AWSPENDING"] == third
    assert secret.read(VersionStage="MINE") == "second"


def test_a_put_of_awscurrent_by_name_drags_awsprevious(secret: Secret) -> None:
    second = secret.put("second", "AWSCURRENT", "MINE")
    assert secret.holders() == {"AWSCURRENT": second, "MINE": second, "AWSPREVIOUS": secret.first}


def test_the_first_put_into_an_empty_secret_is_current_whatever_its_labels(client: Any) -> None:
    name = f"label-test-{uuid.uuid4()}"
    client.create_secret(Name=name)
    try:
        put = client.put_secret_value(SecretId=name, SecretString="x", VersionStages=["MINE"])
        assert sorted(put["VersionStages"]) == ["AWSCURRENT", "MINE"]
    finally:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize("labels", [(), ("AWSPENDING",), ("AWSCURRENT",)])
def test_the_same_token_with_the_same_value_does_nothing(secret: Secret, labels: tuple[str, ...]) -> None:
    token = secret.put("second", "AWSPENDING")
    before = secret.holders()
    assert secret.put("second", *labels, token=token) == token
    assert secret.holders() == before


@pytest.mark.parametrize("label", ["AWSPENDING", "AWSCURRENT", "MINE"])
def test_the_same_token_with_another_value_is_refused_and_the_version_keeps_its_value(secret: Secret, label: str) -> None:
    token = secret.put("second", label)
    refused("ResourceExistsException", lambda: secret.put("other", label, token=token))
    assert secret.read(VersionId=token) == "second"


def test_an_update_with_a_used_token_is_refused_even_with_the_same_value(secret: Secret) -> None:
    update = {"SecretId": secret.id, "SecretString": "first", "ClientRequestToken": secret.first}
    refused("ResourceExistsException", lambda: secret.client.update_secret(**update))


def test_an_update_of_the_value_moves_awscurrent_and_leaves_other_labels(secret: Secret) -> None:
    secret.move("MINE", to=secret.first)
    updated = secret.client.update_secret(SecretId=secret.id, SecretString="second")["VersionId"]
    assert secret.holders() == {"AWSCURRENT": updated, "AWSPREVIOUS": secret.first, "MINE": secret.first}


@pytest.mark.parametrize("length", [31, 65])
def test_a_token_is_32_to_64_characters_long(secret: Secret, length: int) -> None:
    with pytest.raises(ClientError):
        secret.put("second", token="x" * length)


def test_reading_without_a_stage_reads_awscurrent_after_it_moved(secret: Secret) -> None:
    second = secret.put("second", "MINE")
    secret.move("AWSCURRENT", to=second, off=secret.first)
    assert secret.read() == "second"
    assert secret.read(VersionStage="AWSPREVIOUS") == "first"
    assert secret.client.get_secret_value(SecretId=secret.id)["VersionId"] == second


def test_a_version_is_read_by_its_id_even_without_a_label(secret: Secret) -> None:
    second = secret.put("second", "MINE")
    secret.move("MINE", off=second)
    assert secret.read(VersionId=second) == "second"


def test_an_unknown_version_label_or_secret_is_not_found(secret: Secret) -> None:
    unknown = str(uuid.uuid4())
    for which in ({"VersionId": unknown}, {"VersionStage": "AWSPENDING"}, {"SecretId": unknown}):
        call = {"SecretId": secret.id, **which}
        refused("ResourceNotFoundException", lambda call=call: secret.client.get_secret_value(**call))  # type: ignore[misc]


def test_an_id_and_a_label_must_mean_the_same_version(secret: Secret) -> None:
    second = secret.put("second", "AWSPENDING")
    assert secret.read(VersionId=second, VersionStage="AWSPENDING") == "second"
    refused("InvalidRequestException", lambda: secret.read(VersionId=second, VersionStage="AWSCURRENT"))


@pytest.mark.parametrize("label", ["AWSPENDING", "AWSCURRENT", "MINE"])
class TestEveryLabelIsACompareAndSwap:
    @pytest.fixture
    def holder(self, secret: Secret, label: str) -> str:
        return secret.first if label == "AWSCURRENT" else secret.put("holder", label)

    @pytest.fixture
    def other(self, secret: Secret) -> str:
        return secret.put("other", "OTHER")

    def test_it_moves_from_the_version_that_has_it(self, secret: Secret, label: str, holder: str, other: str) -> None:
        secret.move(label, to=other, off=holder)
        assert secret.holders()[label] == other

    def test_it_stays_unless_told_where_from(self, secret: Secret, label: str, holder: str, other: str) -> None:
        message = refused("InvalidParameterException", lambda: secret.move(label, to=other))
        assert f"{label} is currently attached to version {holder}" in message
        assert secret.holders()[label] == holder

    def test_it_stays_if_told_the_wrong_version(self, secret: Secret, label: str, holder: str, other: str) -> None:
        wrong = secret.put("wrong", "WRONG")
        refused("InvalidParameterException", lambda: secret.move(label, to=other, off=wrong))
        assert secret.holders()[label] == holder

    def test_moving_it_to_where_it_is_changes_nothing(self, secret: Secret, label: str, holder: str) -> None:
        before = secret.holders()
        secret.move(label, to=holder)
        assert secret.holders() == before

    def test_of_many_movers_one_wins(self, secret: Secret, label: str, holder: str) -> None:
        rivals = [secret.put(f"rival {number}", f"RIVAL{number}") for number in range(RACERS)]
        with ThreadPoolExecutor(RACERS) as threads:
            won = list(threads.map(lambda rival: succeeds(lambda: secret.move(label, to=rival, off=holder)), rivals))
        assert sum(won) == 1
        assert secret.holders()[label] == rivals[won.index(True)]


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterException"  # noqa: PT017
        return False
    return True


def test_a_free_label_is_attached_without_saying_where_from(secret: Secret) -> None:
    secret.move("AWSPENDING", to=secret.first)
    assert secret.holders() == {"AWSCURRENT": secret.first, "AWSPENDING": secret.first}


def test_a_label_is_detached_by_naming_only_the_version_that_has_it(secret: Secret) -> None:
    second = secret.put("second", "AWSPENDING")
    refused("InvalidParameterException", lambda: secret.move("AWSPENDING", off=secret.first))
    secret.move("AWSPENDING", off=second)
    assert secret.holders() == {"AWSCURRENT": secret.first}


def test_awscurrent_can_be_moved_but_not_removed(secret: Secret) -> None:
    refused("InvalidParameterException", lambda: secret.move("AWSCURRENT", off=secret.first))
    assert secret.holders() == {"AWSCURRENT": secret.first}


def test_moving_awscurrent_drags_awsprevious_there_and_back(secret: Secret) -> None:
    second = secret.put("second", "MINE")
    secret.move("AWSCURRENT", to=second, off=secret.first)
    assert secret.holders() == {"AWSCURRENT": second, "MINE": second, "AWSPREVIOUS": secret.first}
    secret.move("AWSCURRENT", to=secret.first, off=second)
    assert secret.holders() == {"AWSCURRENT": secret.first, "MINE": second, "AWSPREVIOUS": second}


def test_moving_another_label_leaves_awsprevious(secret: Secret) -> None:
    second = secret.put("second")
    secret.move("MINE", to=second)
    assert secret.holders() == {"AWSCURRENT": second, "MINE": second, "AWSPREVIOUS": secret.first}


def test_a_label_cannot_go_to_a_version_that_is_not_there(secret: Secret) -> None:
    refused("ResourceNotFoundException", lambda: secret.move("MINE", to=str(uuid.uuid4())))


def test_a_move_must_name_a_version(secret: Secret) -> None:
    refused("InvalidParameterException", lambda: secret.move("MINE"))


def test_a_secret_has_at_most_twenty_labels(secret: Secret) -> None:
    secret.put("second", *(f"LABEL{number}" for number in range(19)))
    refused("LimitExceededException", lambda: secret.move("ONE-MORE", to=secret.first))
    assert len(secret.holders()) == 20


def test_unlabelled_versions_are_listed_only_when_asked_for(secret: Secret) -> None:
    second = secret.put("second", "MINE")
    secret.move("MINE", off=second)
    listed = secret.client.list_secret_version_ids

    assert [one["VersionId"] for one in listed(SecretId=secret.id)["Versions"]] == [secret.first]
    with_unlabelled = listed(SecretId=secret.id, IncludeDeprecated=True)["Versions"]
    assert {one["VersionId"] for one in with_unlabelled} == {secret.first, second}
    assert second not in secret.client.describe_secret(SecretId=secret.id)["VersionIdsToStages"]


def test_of_many_values_put_with_one_token_one_is_kept(secret: Secret) -> None:
    token = str(uuid.uuid4())

    def put(number: int) -> bool:
        try:
            secret.put(f"value {number}", "AWSPENDING", token=token)
        except secret.client.exceptions.ResourceExistsException:
            return False
        return True

    with ThreadPoolExecutor(RACERS) as threads:
        kept = list(threads.map(put, range(RACERS)))
    assert sum(kept) == 1
    assert secret.read(VersionId=token) == f"value {kept.index(True)}"


def test_many_puts_at_once_leave_one_current_and_one_previous(secret: Secret) -> None:
    with ThreadPoolExecutor(RACERS) as threads:
        versions = list(threads.map(lambda number: secret.put(f"value {number}"), range(RACERS)))
    holders = secret.holders()
    assert set(holders) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert set(holders.values()) <= set(versions)


def test_a_binary_value_comes_back_as_it_was(secret: Secret) -> None:
    secret.client.put_secret_value(SecretId=secret.id, SecretBinary=b"\x00\xff")
    assert secret.client.get_secret_value(SecretId=secret.id)["SecretBinary"] == b"\x00\xff"
