"""Secrets Manager and Step Functions in memory, as far as the shipped adapters ask them: so the explorations walk those too.

The adapters are the shipped ones; only their client is ours. It keeps AWS's rules (local/secret_labels.py), and refuses by code.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from rotation.aws import executions, secrets_manager
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.model import STAGING, Labels, SecretText, Version

from local import secret_labels as aws
from tests.worlds.world import Secret

Answer = dict[str, Any]


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "")


@contextmanager
def _by_code() -> Iterator[None]:
    """A refusal as boto3 raises it."""
    try:
        yield
    except aws.Refusal as refusal:
        raise refused(refusal.code) from None


@contextmanager
def answering(adapter: Any, client: Any) -> Iterator[None]:
    """That module's clients are this one for a while."""
    before, adapter.client = adapter.client, lambda _: client
    try:
        yield
    finally:
        adapter.client = before


class SecretsManager:
    """The client, of one secret."""

    def __init__(self, secret: "ShippedSecret") -> None:
        self._secret = secret

    def describe_secret(self, *, SecretId: str) -> Answer:  # noqa: N803 - AWS's names
        return {"VersionIdsToStages": {name: list(one["version_stages"]) for name, one in self._secret.versions.items()}}

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionId: str | None = None,  # noqa: N803
        VersionStage: str | None = None,  # noqa: N803
    ) -> Answer:
        with _by_code():
            found = aws.find(self._secret.versions, VersionId, VersionStage)
        age = timedelta(seconds=self._secret.age(found["version_id"]))
        named = {"VersionId": found["version_id"], "VersionStages": list(found["version_stages"])}
        return {**named, "SecretString": found["secret_string"], "CreatedDate": datetime.now(UTC) - age}

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str] | None = None,  # noqa: N803
    ) -> None:
        self._secret.written(ClientRequestToken, SecretText(SecretString), VersionStages)

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str | None = None,  # noqa: N803
        RemoveFromVersionId: str | None = None,  # noqa: N803
    ) -> None:
        self._secret.moved(VersionStage, MoveToVersionId, RemoveFromVersionId)


class ShippedSecret(Secret):
    """What is done through the port goes through the shipped adapter; `put` is still a person's."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._client = SecretsManager(self)
        self._store = SecretsManagerStore(self.name)

    # As the adapter does it.

    def labels(self) -> Labels:
        with answering(secrets_manager, self._client):
            return self._store.labels()

    def current(self) -> Version:
        with answering(secrets_manager, self._client):
            return self._store.current()

    def pending(self) -> Version | None:
        with answering(secrets_manager, self._client):
            return self._store.pending()

    def staged(self) -> Version | None:
        with answering(secrets_manager, self._client):
            return self._store.staged()

    def read(self, version: str) -> SecretText:
        with answering(secrets_manager, self._client):
            return self._store.read(version)

    def put_once(self, version: str, text: SecretText, label: str = STAGING) -> SecretText:
        with answering(secrets_manager, self._client):
            return self._store.put_once(version, text, label)

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        with answering(secrets_manager, self._client):
            return self._store.swap(label, to=to, removed_from=removed_from)

    def age_seconds(self, version: str) -> float:
        self.read(version)
        return self.age(version)

    # What the client does.

    def age(self, version: str) -> float:
        return self._now() - self._put_at[version]

    def written(self, version: str, text: SecretText, labels: list[str] | None) -> None:
        """A version is written once; only what changes something is written down."""
        if aws.is_filled(self.versions, version):
            with _by_code():
                self.put(version, text, labels)
            return
        with self._journal.write(f"put {self.name}"), _by_code():
            self.put(version, text, labels)

    def moved(self, label: str, to: str | None, removed_from: str | None) -> None:
        """Only what changes something is written down."""
        before = aws.holder_of(self.versions, label)
        with _by_code():
            aws.move(self.versions, label, to, removed_from)
        if aws.holder_of(self.versions, label) != before:
            with self._journal.write(f"swap {label} of {self.name}"):
                pass


class StepFunctions:
    """The client: an execution runs, or has ended; `throttled`, it says neither."""

    def __init__(self, alive: set[str], *, throttled: bool) -> None:
        self._alive, self._throttled = alive, throttled

    def describe_execution(self, *, executionArn: str, includedData: str) -> Answer:  # noqa: N803
        if self._throttled:
            raise refused("ThrottlingException")
        return {"status": "RUNNING" if executionArn in self._alive else "ABORTED"}


def execution_is_alive(arn: str, age_seconds: float, alive: set[str], *, throttled: bool) -> bool:
    """As the shipped adapter makes it of Step Functions' answer."""
    with answering(executions, StepFunctions(alive, throttled=throttled)):
        return executions.execution_is_alive(arn, age_seconds)
