"""What Secrets Manager hands to the function that rotates a secret: one step, the secret's ARN and the version's id."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rotation.core.errors import VersionUnknown


class SecretStep(StrEnum):
    """The four steps of AWS's contract, in their order."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


_AS_PRINTED = {
    "create_secret": "createSecret",
    "set_secret": "setSecret",
    "test_secret": "testSecret",
    "finish_secret": "finishSecret",
}
"""AWS's own guide prints them so; on the wire they are the others."""


class SecretCall:
    """One event. Keys that we do not know are left alone: AWS adds some."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def asked(self) -> str:
        """The step, as it was written."""
        return str(self._event["Step"])

    @property
    def step(self) -> SecretStep:
        """Which of the four."""
        try:
            return SecretStep(_AS_PRINTED.get(self.asked, self.asked))
        except ValueError:
            raise VersionUnknown(f"there is no step {self.asked}: AWS knows {', '.join(SecretStep)}") from None

    @property
    def secret(self) -> str:
        """Its ARN."""
        return str(self._event["SecretId"])

    @property
    def secret_name(self) -> str:
        """For logs: the ARN's last part."""
        return self.secret.rsplit(":", 1)[-1]

    @property
    def token(self) -> str:
        """The id of the version that is to become current."""
        return str(self._event["ClientRequestToken"])

    @property
    def rotation_token(self) -> str:
        """What to show when writing; empty where AWS gave none."""
        return str(self._event.get("RotationToken") or "")
