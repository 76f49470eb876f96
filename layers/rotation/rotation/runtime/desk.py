"""The world of the function that tells people of an end: EventBridge calls it, no execution does."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotation.aws.parameters import load_target
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import SecretInvalid, TargetInvalid, TargetNotFound

if TYPE_CHECKING:
    from rotation.told.notice import Notice, Resume
    from rotation.told.outcome import Outcome


@dataclass(frozen=True)
class DeskSettings:
    """What the function that tells people needs besides."""

    targets_path: str
    topic: str
    """ARN of the topic that people have subscribed to."""
    default_target: str
    """What an execution rotates whose input names no target."""

    @classmethod
    def from_environment(cls) -> DeskSettings:
        """All set by template.yaml."""
        missing = [name for name in ("TARGETS_PATH", "TOPIC_ARN", "DEFAULT_TARGET") if name not in os.environ]
        if missing:
            raise LookupError(f"{', '.join(missing)} not set: was the function deployed by template.yaml?")
        return cls(os.environ["TARGETS_PATH"], os.environ["TOPIC_ARN"], os.environ["DEFAULT_TARGET"])


class AwsDesk:
    """What the function that tells people of an end touches."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings

    def outcome(self, arn: str) -> Outcome:
        from rotation.aws.executions import outcome_of

        return outcome_of(arn, self._settings.default_target)

    def holds_intent(self, target: str) -> bool:
        try:
            secret = load_target(self._settings.targets_path, target).slot_secret
            return SecretsManagerStore(secret).labels().pending is not None
        except (TargetNotFound, TargetInvalid, SecretInvalid):
            return False

    def is_by_hand(self, target: str) -> bool:
        try:
            return load_target(self._settings.targets_path, target).source.known.by_hand
        except (TargetNotFound, TargetInvalid):
            return False

    def start(self, machine_arn: str, resume: Resume) -> str:
        from rotation.aws.executions import start

        return start(machine_arn, resume)

    def has_started(self, machine_arn: str, resume: Resume) -> bool:
        from rotation.aws.executions import has_started

        return has_started(machine_arn, resume)

    def comes_to_its_end(self, execution: str) -> bool:
        from rotation.aws.executions import comes_to_its_end

        return comes_to_its_end(execution)

    def tell(self, notice: Notice) -> None:
        from rotation.aws.notices import publish

        publish(self._settings.topic, notice.subject, notice.text)
