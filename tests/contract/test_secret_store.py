"""The record's store on a strict Secrets Manager: written once, moved by compare-and-swap, and lost answers settled by looking."""

import json
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import ExponentialBackoff
from rotation.aws import client as adapter
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import (
    RotationError,
    SecretDenied,
    SecretInvalid,
    SecretStoreUnavailable,
    SecretVersionMissing,
    TransientError,
)
from rotation.core.model import CURRENT, LAST, PENDING, STAGING, SecretText

from local.aws import LocalAws
from local.faults import SecretFault

FIRST, SECOND = "first-canary-1", "second-canary-2"
RACERS = 8

Act = Callable[[AWSPreparedRequest], AWSResponse | None]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the pause before boto3's second try is taken out."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    aws.clear_faults()
    adapters_use(aws)


class Secret:
    """One secret, seen by the operator."""

    def __init__(self, aws: LocalAws) -> None:
        self.operator = aws.client("secretsmanager")
        self.first = str(uuid.uuid4())
        created = self.operator.create_secret(Name=f"store-{uuid.uuid4()}", SecretString="initial", ClientRequestToken=self.first)
        self.arn: str = created["ARN"]

    def put(self, text: str = SECOND, version: str = "", label: str = STAGING) -> str:
        version = version or str(uuid.uuid4())
        self.operator.put_secret_value(SecretId=self.arn, ClientRequestToken=version, SecretString=text, VersionStages=[label])
        return version

    def move(self, label: str, to: str, removed_from: str) -> None:
        self.operator.update_secret_version_stage(
            SecretId=self.arn, VersionStage=label, MoveToVersionId=to, RemoveFromVersionId=removed_from
        )

    def holder(self, label: str) -> str | None:
        versions = self.operator.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return next((version for version, labels in versions.items() if label in labels), None)


@pytest.fixture
def secret(aws: LocalAws) -> Secret:
    return Secret(aws)


@pytest.fixture
def store(secret: Secret) -> SecretsManagerStore:
    return SecretsManagerStore(secret.arn)


def version() -> str:
    return str(uuid.uuid4())


# Faults on the wire, under everything that boto3 does about them


def fail(operation: str, *acts: Act) -> None:
    """What becomes of the next requests of an operation, in order; those after them pass."""
    left = list(acts)

    def meet(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        return left.pop(0)(request) if left else None

    adapter.client("secretsmanager").meta.events.register(f"before-send.secrets-manager.{operation}", meet)


def never_sent(request: AWSPreparedRequest) -> None:
    raise ConnectionClosedError(endpoint_url=request.url)


def answer_lost(request: AWSPreparedRequest) -> None:
    """It took effect, and nobody was told."""
    URLLib3Session().send(request)
    never_sent(request)


def passes(_: AWSPreparedRequest) -> None:
    return None


def refused(code: str, message: str = "") -> Act:
    def answer(request: AWSPreparedRequest) -> AWSResponse:
        return response(request, 400, {"__type": code, "Message": message})

    return answer


def response(request: AWSPreparedRequest, status: int, body: dict[str, Any]) -> AWSResponse:
    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield json.dumps(body).encode()

    return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.1"}, Raw())


def while_on_its_way(act: Callable[[], object]) -> Act:
    """Somebody else is faster by a moment."""

    def first(_: AWSPreparedRequest) -> None:
        act()

    return first


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[pytest.ExceptionInfo[RotationError]]:
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value))
    assert "botocore" not in shown
    assert FIRST not in shown
    assert SECOND not in shown


# Reading


def test_a_label_between_two_versions_is_looked_for_again_later(secret: Secret, store: SecretsManagerStore) -> None:
    def nowhere(request: AWSPreparedRequest) -> AWSResponse:
        return response(request, 200, {"ARN": secret.arn, "VersionIdsToStages": {secret.first: [LAST]}})

    fail("DescribeSecret", nowhere)
    with raises(SecretStoreUnavailable):
        store.labels()


LOOKS: dict[str, Callable[[SecretsManagerStore], object]] = {
    "labels": SecretsManagerStore.labels,
    "value": SecretsManagerStore.current,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_secret_that_is_not_there_is_named(look: Callable[[SecretsManagerStore], object]) -> None:
    with pytest.raises(SecretInvalid, match="no-such-secret"):
        look(SecretsManagerStore("no-such-secret"))


def test_a_binary_secret_is_refused(secret: Secret, store: SecretsManagerStore) -> None:
    token = version()
    secret.operator.put_secret_value(
        SecretId=secret.arn, ClientRequestToken=token, SecretBinary=FIRST.encode(), VersionStages=[STAGING]
    )
    with raises(SecretInvalid):
        store.read(token)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_secret_that_is_marked_for_deletion_is_named(
    look: Callable[[SecretsManagerStore], object], secret: Secret, store: SecretsManagerStore
) -> None:
    """It can be described, so a first look finds it, and not a read that is tried for minutes."""
    secret.operator.delete_secret(SecretId=secret.arn)
    with pytest.raises(SecretInvalid, match="is marked for deletion"):
        look(store)


def test_a_value_whose_label_is_between_two_versions_is_looked_for_again_later(store: SecretsManagerStore) -> None:
    fail("GetSecretValue", refused("ResourceNotFoundException"))
    with raises(SecretStoreUnavailable):
        store.current()


@pytest.mark.parametrize("operation", ["GetSecretValue", "DescribeSecret"])
def test_no_text_of_the_service_gets_out(operation: str, secret: Secret, store: SecretsManagerStore) -> None:
    fail(operation, refused("AccessDeniedException", FIRST))
    with raises(SecretDenied):
        store.read(secret.first) if operation == "GetSecretValue" else store.labels()


# What a refusal means, as the strict local service shows it

DENIED = ("AccessDeniedException", "DecryptionFailure", "EncryptionFailure", "UnrecognizedClientException", "InvalidClientTokenId")
BUSY = ("ThrottlingException", "InternalServiceError", "LimitExceededException", "NobodyKnowsThis")
MEANS: dict[str, type[RotationError]] = {**dict.fromkeys(DENIED, SecretDenied), **dict.fromkeys(BUSY, SecretStoreUnavailable)}
CALLS: dict[str, Callable[[Secret, SecretsManagerStore], object]] = {
    "DescribeSecret": lambda _, store: store.labels(),
    "GetSecretValue": lambda secret, store: store.read(secret.first),
    "PutSecretValue": lambda _, store: store.put_once(version(), SecretText(FIRST)),
    "UpdateSecretVersionStage": lambda secret, store: store.swap(CURRENT, to=secret.put(), removed_from=secret.first),
}


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("code", MEANS)
def test_a_denial_is_told_from_what_may_pass(
    code: str, action: str, aws: LocalAws, secret: Secret, store: SecretsManagerStore
) -> None:
    """Whatever is not known to be a denial may pass: it is tried again."""
    aws.refuse(SecretFault(action, code, times=2, secret=secret.arn))
    with raises(MEANS[code]) as caught:
        CALLS[action](secret, store)
    assert f"({code})" in str(caught.value)
    aws.clear_faults()
    CALLS[action](secret, store)


def test_a_version_that_is_not_there_is_neither_denied_nor_busy(store: SecretsManagerStore) -> None:
    """It may have been put a moment ago: labels and versions are eventually consistent, so it is asked for again."""
    assert issubclass(SecretVersionMissing, TransientError)
    with raises(SecretVersionMissing):
        store.read(version())


def test_what_may_not_be_read_back_does_not_count(aws: LocalAws, secret: Secret, store: SecretsManagerStore) -> None:
    aws.refuse(SecretFault("GetSecretValue", "AccessDeniedException", secret=secret.arn))
    with raises(SecretDenied):
        store.put_once(version(), SecretText(FIRST))
    assert secret.holder(CURRENT) == secret.first


def test_a_denied_put_that_a_twin_has_done_counts(aws: LocalAws, secret: Secret, store: SecretsManagerStore) -> None:
    token = version()
    fail("PutSecretValue", while_on_its_way(lambda: secret.put(FIRST, token)))
    aws.refuse(SecretFault("PutSecretValue", "AccessDeniedException", secret=secret.arn, caller="test"))
    assert store.put_once(token, SecretText(FIRST)).reveal() == FIRST


# Put once


def test_a_twin_that_was_faster_by_a_moment_wins(secret: Secret, store: SecretsManagerStore) -> None:
    token = version()
    fail("PutSecretValue", while_on_its_way(lambda: secret.put(FIRST, token)))
    assert store.put_once(token, SecretText(SECOND)).reveal() == FIRST


def test_twins_at_the_same_moment_agree(secret: Secret) -> None:
    token = version()
    store = SecretsManagerStore(secret.arn)
    with ThreadPoolExecutor(RACERS) as pool:
        texts = list(pool.map(lambda n: store.put_once(token, SecretText(f"text {n}")).reveal(), range(RACERS)))
    assert len(set(texts)) == 1


def test_a_put_whose_answer_was_lost_is_found(store: SecretsManagerStore) -> None:
    fail("PutSecretValue", answer_lost, never_sent)
    assert store.put_once(version(), SecretText(FIRST)).reveal() == FIRST


def test_a_put_that_never_arrived_is_an_error_and_nothing_is_stored(secret: Secret, store: SecretsManagerStore) -> None:
    token = version()
    fail("PutSecretValue", never_sent, never_sent)
    with raises(SecretStoreUnavailable):
        store.put_once(token, SecretText(FIRST))
    assert secret.holder(STAGING) is None
    assert store.put_once(token, SecretText(SECOND)).reveal() == SECOND


def test_a_put_that_the_service_refuses_quotes_nothing(store: SecretsManagerStore) -> None:
    fail("PutSecretValue", refused("InvalidRequestException", FIRST))
    with raises(SecretStoreUnavailable):
        store.put_once(version(), SecretText(FIRST))


def test_a_look_that_failed_does_not_overwrite_what_is_there(secret: Secret, store: SecretsManagerStore) -> None:
    token = secret.put(FIRST)
    fail("GetSecretValue", never_sent, never_sent)
    with raises(SecretStoreUnavailable):
        store.put_once(token, SecretText(SECOND))
    assert store.read(token).reveal() == FIRST


def test_a_put_that_cannot_be_read_back_does_not_count(store: SecretsManagerStore) -> None:
    fail("GetSecretValue", never_sent, never_sent)
    with raises(SecretStoreUnavailable):
        store.put_once(version(), SecretText(FIRST))


# Swap


def test_of_many_that_swap_at_once_exactly_one_wins(secret: Secret) -> None:
    store = SecretsManagerStore(secret.arn)
    versions = [secret.put(f"text {n}") for n in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        won = list(pool.map(lambda v: store.swap(CURRENT, to=v, removed_from=secret.first), versions))
    assert won.count(True) == 1
    assert store.labels().current == versions[won.index(True)]


@pytest.mark.parametrize("then", [passes, never_sent, answer_lost])
def test_a_swap_whose_answer_was_lost_is_found_done(then: Act, secret: Secret, store: SecretsManagerStore) -> None:
    """The client's own second try is refused: by then the label is where it should be."""
    second = secret.put()
    fail("UpdateSecretVersionStage", answer_lost, then)
    assert store.swap(CURRENT, to=second, removed_from=secret.first)
    assert secret.holder(CURRENT) == second


def test_a_release_whose_answer_was_lost_is_found_done(secret: Secret, store: SecretsManagerStore) -> None:
    pending = secret.put(label=PENDING)
    fail("UpdateSecretVersionStage", answer_lost, passes)
    assert store.swap(PENDING, to=None, removed_from=pending)


def test_a_swap_that_never_arrived_is_to_be_tried_again(secret: Secret, store: SecretsManagerStore) -> None:
    second = secret.put()
    fail("UpdateSecretVersionStage", never_sent, never_sent)
    with raises(SecretStoreUnavailable):
        store.swap(CURRENT, to=second, removed_from=secret.first)
    assert secret.holder(CURRENT) == secret.first


def test_a_swap_that_is_throttled_is_no_swap_that_was_lost(secret: Secret, store: SecretsManagerStore) -> None:
    second = secret.put()
    fail("UpdateSecretVersionStage", refused("ThrottlingException"), refused("ThrottlingException"))
    with raises(SecretStoreUnavailable):
        store.swap(CURRENT, to=second, removed_from=secret.first)


def test_a_swap_that_never_arrived_where_another_won_is_a_no(secret: Secret, store: SecretsManagerStore) -> None:
    ours, theirs = secret.put(), secret.put()

    def overtaken(request: AWSPreparedRequest) -> None:
        secret.move(CURRENT, theirs, secret.first)
        never_sent(request)

    fail("UpdateSecretVersionStage", overtaken, never_sent)
    assert not store.swap(CURRENT, to=ours, removed_from=secret.first)
    assert secret.holder(CURRENT) == theirs


def test_an_outcome_that_cannot_be_looked_at_is_not_guessed(secret: Secret, store: SecretsManagerStore) -> None:
    second = secret.put()
    fail("UpdateSecretVersionStage", answer_lost, never_sent)
    fail("DescribeSecret", never_sent, never_sent)
    with raises(SecretStoreUnavailable):
        store.swap(CURRENT, to=second, removed_from=secret.first)
    assert store.swap(CURRENT, to=second, removed_from=secret.first), "asked again, it is found done"
