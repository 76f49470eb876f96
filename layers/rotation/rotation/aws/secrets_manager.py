"""SecretStore on AWS Secrets Manager. UpdateSecretVersionStage is the compare-and-swap; a put never moves a label that matters."""

from datetime import UTC, datetime
from typing import Any

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import (
    RotationError,
    SecretDenied,
    SecretInvalid,
    SecretStoreUnavailable,
    SecretVersionMissing,
)
from rotation.core.model import CURRENT, LAST, PENDING, STAGING, Labels, SecretText, Version

_NOT_FOUND = "ResourceNotFoundException"
_NOT_NOW = "InvalidRequestException"
_LABEL_ELSEWHERE = "InvalidParameterException"
_DENIED = ("AccessDeniedException", "DecryptionFailure", "EncryptionFailure", "UnrecognizedClientException", "InvalidClientTokenId")
"""What no second try changes. Where the key is the reason, it is often an AccessDeniedException too."""


class SecretsManagerStore:
    """One secret, by ARN."""

    def __init__(self, arn: str, rotation_token: str = "") -> None:
        """`rotation_token`: what Secrets Manager gave to the function that it asks to rotate this secret."""
        self._arn = arn
        self._more = {"RotationToken": rotation_token} if rotation_token else {}

    @property
    def name(self) -> str:
        return self._arn

    def labels(self) -> Labels:
        stages = self._stages()
        if CURRENT not in stages:
            # Between two moves of a label a reader may see it on no version: look again later.
            raise SecretStoreUnavailable(f"no version of {self._arn} carries {CURRENT}")
        return Labels(stages[CURRENT], stages.get(PENDING), stages.get(LAST))

    def current(self) -> Version:
        found = self._labelled(CURRENT)
        if found is None:
            self.labels()  # which says so if there is no such secret
            raise SecretStoreUnavailable(f"no version of {self._arn} carried {CURRENT}")
        return found

    def current_dated(self) -> tuple[Version, float]:
        """The same in one call, with how many seconds ago it was put."""
        try:
            answer = self._get(CURRENT, VersionStage=CURRENT)
        except SecretVersionMissing:
            self.labels()  # which says so if there is no such secret
            raise SecretStoreUnavailable(f"no version of {self._arn} carried {CURRENT}") from None
        return _version(answer), (datetime.now(UTC) - answer["CreatedDate"]).total_seconds()

    def pending(self) -> Version | None:
        return self._labelled(PENDING)

    def staged(self) -> Version | None:
        """The version that was put last; whether it came to be current, its labels say."""
        return self._labelled(STAGING)

    def _labelled(self, label: str) -> Version | None:
        """One call says which version that is, what it says, and what else it carries."""
        try:
            answer = self._get(label, VersionStage=label)
        except SecretVersionMissing:
            return None
        return _version(answer)

    def read(self, version: str) -> SecretText:
        return SecretText(str(self._get(version, VersionId=version)["SecretString"]))

    def age_seconds(self, version: str) -> float:
        created: datetime = self._get(version, VersionId=version)["CreatedDate"]
        return (datetime.now(UTC) - created).total_seconds()

    def put_once(self, version: str, text: SecretText, label: str = STAGING) -> SecretText:
        failure = self._put(version, text, label)
        try:
            return self.read(version)
        except SecretVersionMissing:
            if failure:
                raise _failed(f"{self._arn}: version {version} could not be put", failure) from None
            raise

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        request = {"SecretId": self._arn, "VersionStage": label, "MoveToVersionId": to, "RemoveFromVersionId": removed_from}
        try:
            client("secretsmanager").update_secret_version_stage(**{k: v for k, v in request.items() if v is not None})
        except AWS_ERRORS as error:
            failure = code(error)
        else:
            return True
        return self._settle(label, to, removed_from, failure)

    def rotation_rules(self) -> dict[str, Any]:
        """By which Secrets Manager rotates it by itself; none where that is off."""
        answer = self._described()
        rules: dict[str, Any] = answer.get("RotationRules") or {}
        return rules if answer.get("RotationEnabled") else {}

    def _settle(self, label: str, to: str | None, removed_from: str | None, failure: str) -> bool:
        """Which side won? The labels say; what the call said does not matter."""
        now = self._stages().get(label)
        if now == to:
            return True
        if now == removed_from and failure == _NOT_FOUND:
            raise SecretVersionMissing(f"{self._arn}: version {to} is not there for {label}")
        if now == removed_from and failure != _LABEL_ELSEWHERE:
            raise _failed(f"{self._arn}: {label} could not be moved", failure)
        return False

    def _put(self, version: str, text: SecretText, label: str) -> str:
        """What went wrong, if anything: the read back by id tells whether it matters (a twin may have written it first)."""
        try:
            client("secretsmanager").put_secret_value(
                SecretId=self._arn, ClientRequestToken=version, SecretString=text.reveal(), VersionStages=[label], **self._more
            )
        except AWS_ERRORS as error:
            return code(error)
        return ""

    def _get(self, version: str, **which: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client("secretsmanager").get_secret_value(SecretId=self._arn, **which)
        except AWS_ERRORS as error:
            if code(error) == _NOT_FOUND:
                raise SecretVersionMissing(f"{self._arn}: version {version} is not there") from None
            if code(error) == _NOT_NOW:
                self._stages()  # which says so if it is marked for deletion
            raise _failed(f"{self._arn}: version {version} could not be read", code(error)) from None
        if "SecretString" not in answer:
            raise SecretInvalid(f"secret {self._arn}: version {version} holds no text")
        return answer

    def _stages(self) -> dict[str, str]:
        versions: dict[str, list[str]] = self._described().get("VersionIdsToStages", {})
        return {label: version for version, labels in versions.items() for label in labels}

    def _described(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client("secretsmanager").describe_secret(SecretId=self._arn)
        except AWS_ERRORS as error:
            if code(error) == _NOT_FOUND:
                raise SecretInvalid(f"there is no secret {self._arn}: name one that there is, or make it") from None
            raise _failed(f"{self._arn} could not be described", code(error)) from None
        if answer.get("DeletedDate"):
            raise SecretInvalid(f"secret {self._arn} is marked for deletion: restore it, or name another")
        return answer


def _version(answer: dict[str, Any]) -> Version:
    return Version(str(answer["VersionId"]), SecretText(str(answer["SecretString"])), frozenset(answer["VersionStages"]))


def _failed(what: str, why: str) -> RotationError:
    """By AWS's name for it: a denial stays one however often it is tried; all else may pass."""
    if why in _DENIED:
        return SecretDenied(f"{what} ({why}): the role, the secret's policy or its KMS key denies it")
    return SecretStoreUnavailable(f"{what} ({why})")
